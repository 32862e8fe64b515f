import type { z } from "zod";
import { parse, type CheckFailure } from "../core/spec/check-result";
import type { CheckReply, Props } from "./handler";
import { jsonClean } from "./json-clean";

/** The inputs without what Pulumi adds and what `check` computes: what the schemas know. */
export function declared(props: Props, computed: readonly string[]): Props {
  const skipped = new Set(["__provider", ...computed]);
  return Object.fromEntries(Object.entries(props).filter(([key]) => !skipped.has(key)));
}

/** Checks by the schema, then lets `complete` add what is computed, or find further failures. */
export async function checked<S extends z.ZodType>(
  schema: S,
  news: Props,
  complete: (input: z.output<S>) => Promise<{ computed: Props } | { failures: CheckFailure[] }>,
): Promise<CheckReply> {
  const parsed = parse(schema, declared(news, []));
  if (!parsed.ok) return refused(news, parsed.failures);
  const completed = await complete(parsed.value);
  if ("failures" in completed) return refused(news, completed.failures);
  return { inputs: jsonClean({ ...(parsed.value as Props), ...completed.computed }), failures: [] };
}

/** Pulumi prints the whole value of the property that a failure names: never of one that holds a private key. */
function refused(news: Props, failures: CheckFailure[]): CheckReply {
  const { tls } = (news["balancer"] ?? {}) as { tls?: unknown };
  const shown = failures.map((each) =>
    each.property === "balancer" && tls !== undefined ? { ...each, property: "" } : each,
  );
  return { inputs: news, failures: shown };
}
