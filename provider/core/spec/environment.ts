import { z } from "zod";
import { field } from "./field";

export const environmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is no name of an environment variable");
const value = field(z.string("must be a text"));

export const environment = z.record(environmentName, value);
export const headers = z.record(z.string(), value);
