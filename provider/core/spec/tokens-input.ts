import { z } from "zod";
import { field } from "./field";

const RULE = "must be 16 to 4096 of the characters A-Z a-z 0-9 - . _ ~ + / with nothing but = after them";

/** The SDK sends the hash of each token, and what is no hash for one that cannot be a token. */
export const tokensInput = z
  .array(field(z.string(RULE).regex(/^sha256:[0-9a-f]{64}$/, RULE)), "must be a list of tokens")
  .min(1, "must hold a token: leave it out to let everybody in")
  .max(100, "must hold at most 100 tokens");
