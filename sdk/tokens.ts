import * as pulumi from "@pulumi/pulumi";
import { createHash } from "node:crypto";
import type { BalancerArgs } from "./serve-service";

const HASH = /^sha256:[0-9a-f]{64}$/;
/** A shorter one can be found by trying, which its hash does not prevent. */
const TOKEN = /^(?=.{16,4096}$)[A-Za-z0-9._~+/-]+=*$/;

/** The balancer's declaration with the hashes of its tokens: these themselves never leave the program. */
export function hashingTokens(balancer: BalancerArgs): pulumi.Inputs {
  if (balancer.tokens === undefined) return { ...balancer };
  return { ...balancer, tokens: pulumi.output(balancer.tokens).apply(hashes) };
}

/** What cannot be a token is named as such, and not shown: the handlers refuse it, with its place in the list. */
function hashes(tokens: unknown): unknown {
  if (!Array.isArray(tokens)) return "no list";
  return tokens.map((token: unknown) => {
    if (typeof token !== "string") return "no token";
    if (HASH.test(token)) return token;
    return TOKEN.test(token) ? `sha256:${createHash("sha256").update(token).digest("hex")}` : "no token";
  });
}
