import { z } from "zod";
import { duration } from "./duration";
import { closed, field } from "./field";
import { LATER_STRATEGIES } from "./not-there-yet";
import { owner, timeouts } from "./owner";
import type { PoolFacts } from "./facts";

const SURGE = "must be a whole number from 1 to 100 (percent of the replicas)";

const maxSurgePercent = z.number(SURGE).superRefine((percent, context) => {
  if (percent === 0) {
    context.addIssue("0 leaves no room for a canary: use rolling, which is not there yet; until then give 1 to 100");
  } else if (!Number.isInteger(percent) || percent < 1 || percent > 100) {
    context.addIssue(SURGE);
  }
});

const kind = z.string('must be "surge"').superRefine((name, context) => {
  if (LATER_STRATEGIES.includes(name)) {
    context.addIssue(`\`${name}\` is not there yet: leave \`kind\` out for a surge rollout`);
  } else if (name !== "surge") {
    context.addIssue('must be "surge"');
  }
});

/** Rollout as the SDK sends it; parsed, every default is filled in. */
export const rolloutInput = closed({
  ...owner,
  service: field(z.string()),
  pools: field(
    z
      .array(field(z.custom<PoolFacts>((value) => typeof value === "object" && value !== null)))
      .min(1, "must name at least one ReplicaPool"),
  ),
  strategy: field(
    closed({
      kind: field(kind, "surge"),
      maxSurgePercent: field(maxSurgePercent, 25),
      timeoutSeconds: field(duration, 7200),
    }),
    {},
  ),
  timeouts,
});

export type RolloutInput = z.output<typeof rolloutInput>;
