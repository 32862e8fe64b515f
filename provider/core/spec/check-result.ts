import type { z } from "zod";

/** What Pulumi's `check` reports: the top-level field, and a sentence with the whole path. */
export interface CheckFailure {
  property: string;
  reason: string;
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; failures: CheckFailure[] };

/** Pulumi prints the whole value of the property that a failure names, and these may hold secrets. */
const MAY_HOLD_SECRETS = new Set(["template", "readiness", "strategy"]);

export function failure(path: readonly PropertyKey[], sentence: string): CheckFailure {
  const top = path.length === 0 ? "" : String(path[0]);
  return {
    property: MAY_HOLD_SECRETS.has(top) ? "" : top,
    reason: path.length === 0 ? sentence : `${path.map(String).join(".")}: ${sentence}`,
  };
}

/** Runs a schema; the messages say what is wrong without ever quoting a value. */
export function parse<S extends z.ZodType>(schema: S, inputs: unknown): Parsed<z.output<S>> {
  const result = schema.safeParse(inputs);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, failures: result.error.issues.map((issue) => failure(issue.path, sentenceOf(issue))) };
}

/** What is wrong with a key lies one level deeper. */
function sentenceOf(issue: z.core.$ZodIssue): string {
  return issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
}
