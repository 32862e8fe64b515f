import { z } from "zod";
import { canonicalJson } from "../digest";
import { field, whole } from "./field";
import { UNKNOWN } from "./unknown";

const SHAPE = "must be numbers by kind, such as { A10G: 1 }, or a list of these, any of which will do";

const one = z.record(z.string(), field(whole(1, 64)), SHAPE);

const list = z
  .array(field(one), SHAPE)
  .min(1, SHAPE)
  .refine((all) => all.every(isAny), "must have at least one accelerator in each: leave it out where none is needed")
  .refine((all) => new Set(all.map(canonicalJson)).size === all.length, "must not have the same twice");

/** One shape of machine, or several of which any will do. What it is meant to be decides where a fault is told. */
export const acceleratorsInput = z.unknown().transform((given, context) => {
  const result = (Array.isArray(given) ? list : one).safeParse(given);
  if (result.success) return result.data;
  for (const issue of result.error.issues) context.issues.push({ ...issue, path: [...issue.path], input: undefined });
  return z.NEVER;
});

function isAny(accelerators: Record<string, number>): boolean {
  return (accelerators as unknown) === UNKNOWN || Object.keys(accelerators).length > 0;
}
