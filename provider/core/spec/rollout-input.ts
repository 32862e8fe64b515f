import { z } from "zod";
import { closed, field } from "./field";
import { owner, timeouts } from "./owner";
import { strategyInput } from "./strategy-input";
import { additionalTargetsInput, targetInput } from "./targets-input";
import type { PoolFacts } from "./facts";

/** Rollout as the SDK sends it; parsed, every default is filled in. */
export const rolloutInput = closed({
  ...owner,
  service: field(z.string()),
  /** The service's, for the prices of a plan that is made before the service exists. */
  target: field(targetInput, {}),
  additionalTargets: field(additionalTargetsInput.optional()),
  pools: field(
    z
      .array(field(z.custom<PoolFacts>((value) => typeof value === "object" && value !== null)))
      .min(1, "must name at least one ReplicaPool"),
  ),
  strategy: field(strategyInput, {}),
  timeouts,
});

export type RolloutInput = z.output<typeof rolloutInput>;
