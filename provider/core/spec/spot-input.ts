import { z } from "zod";
import { SPOT_DEFAULTS, type FallbackBudget, type SpotSpec } from "../spot/spec";
import { closed, field, seconds, whole } from "./field";

const flag = z.boolean("must be true or false");
const dollars = z.number("must be a number of dollars").nonnegative("must be a number of dollars, at least 0");
const GRACE = 'must be "auto" or a number of seconds from 0 to 86400';

const fallbackBudget = closed({
  replicas: field(whole(0, 1000).optional()),
  dollarsPerHour: field(dollars.optional()),
}).refine(
  ({ replicas, dollarsPerHour }) => (replicas === undefined) !== (dollarsPerHour === undefined),
  "must have either `replicas` or `dollarsPerHour`",
);

/** How a pool uses the spot market; its presence is what asks for spot. */
export const spotInput = closed({
  baseOnDemandReplicas: field(whole(0, 1000), SPOT_DEFAULTS.baseOnDemandReplicas),
  dynamicOnDemandFallback: field(flag, SPOT_DEFAULTS.dynamicOnDemandFallback),
  numOverprovision: field(whole(0, 1000), SPOT_DEFAULTS.numOverprovision),
  graceSeconds: field(
    z.union([z.literal("auto"), z.number(GRACE).min(0, GRACE).max(86_400, GRACE)], GRACE),
    SPOT_DEFAULTS.graceSeconds,
  ),
  minFallbackSeconds: field(seconds(0, 86_400), SPOT_DEFAULTS.minFallbackSeconds),
  cautionSeconds: field(seconds(0, 86_400), SPOT_DEFAULTS.cautionSeconds),
  fallbackBudget: field(fallbackBudget.optional()),
  fallbackAtStart: field(flag, SPOT_DEFAULTS.fallbackAtStart),
});

type SpotInput = z.output<typeof spotInput>;

export function spotSpec({ fallbackBudget: budget, ...rest }: SpotInput): SpotSpec {
  return { ...rest, fallbackBudget: budget === undefined ? null : budgetOf(budget) };
}

function budgetOf({ replicas, dollarsPerHour }: NonNullable<SpotInput["fallbackBudget"]>): FallbackBudget {
  if (replicas !== undefined) return { kind: "replicas", replicas };
  return { kind: "dollarsPerHour", dollars: dollarsPerHour! };
}
