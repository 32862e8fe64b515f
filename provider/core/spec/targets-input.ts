import { z } from "zod";
import type { Market } from "../spot/candidate";
import { closed, field } from "./field";
import { UNKNOWN } from "./unknown";

const NAME = /^[a-z][a-z0-9-]{0,30}$/;
const MARKETS = 'must be a list of "spot" and "onDemand": leave it out for all that the target offers';

const members = {
  kind: field(z.literal("local", "must be made by `local()`: other targets are not there yet"), "local"),
  cloudFile: field(z.string("must be a path").min(1, "must not be empty: leave it out for the default").optional()),
  markets: field(
    z
      .array(field(z.enum(["spot", "onDemand"], MARKETS)), MARKETS)
      .min(1, MARKETS)
      .optional(),
  ),
};

/** Where a service runs, as its program says it. */
export const targetInput = closed({
  ...members,
  name: field(z.undefined("is for `additionalTargets`: the service's own target has none, leave it out").optional()),
});

/** Where replicas may be placed besides. */
export const additionalTargetsInput = z
  .array(
    field(
      closed({
        ...members,
        name: field(
          z
            .string("must be a name of its own, which its zones are shown with")
            .regex(NAME, "must have at most 31 lower-case letters, digits and dashes, a letter first"),
        ),
      }),
    ),
    "must be a list of targets",
  )
  .max(16, "must have at most 16 targets");

export interface TargetsInput {
  target: z.output<typeof targetInput>;
  additionalTargets?: z.output<typeof additionalTargetsInput> | undefined;
}

export interface TargetsFault {
  path: (string | number)[];
  message: string;
}

/** What is wrong with the targets together; those that are not known yet are left to `up`. */
export function targetsFaults({ target, additionalTargets = [] }: TargetsInput): TargetsFault[] {
  if ((additionalTargets as unknown) === UNKNOWN) return [];
  const names = additionalTargets.map((one) => (isKnown(one) ? one.name : UNKNOWN));
  const twice = names.findIndex((name, index) => name !== UNKNOWN && names.indexOf(name) !== index);
  if (twice >= 0) {
    const message = `must not be "${names[twice]}", which is another target's: give each its own`;
    return [{ path: ["additionalTargets", twice, "name"], message }];
  }
  if ([target, ...additionalTargets].some(offersOnDemand)) return [];
  const message = 'must have "onDemand" in one target at least: a rollout\'s replicas and stand-ins for spot are of it';
  return [{ path: ["target", "markets"], message }];
}

/** Unknown: it may. */
function offersOnDemand(target: { markets?: Market[] | undefined }): boolean {
  if (!isKnown(target) || target.markets === undefined || !isKnown(target.markets)) return true;
  return target.markets.includes("onDemand") || !target.markets.every(isKnown);
}

function isKnown(value: unknown): boolean {
  return value !== UNKNOWN;
}
