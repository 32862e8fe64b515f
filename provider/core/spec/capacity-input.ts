import { z } from "zod";
import { parseCron } from "../scale/cron";
import { isTimeZone } from "../scale/time-zone";
import { duration, durationOrNone, durationSeconds } from "./duration";
import { closed, field, text, whole } from "./field";
import { spotInput } from "./spot-input";
import { hasUnknown, UNKNOWN } from "./unknown";

const MOST_REPLICAS = 1000;

function moreThanNone(what: string) {
  const sentence = `must be ${what}, more than 0: a replica that is to get nothing can never be enough`;
  return z.number(sentence).positive(sentence);
}

const qps = moreThanNone("a number of requests a second");
const milliseconds = moreThanNone("a number of milliseconds");

const schedule = closed({
  cron: field(
    text('a cron expression such as "0 8 * * MON-FRI"').refine(
      (given) => parseCron(given) !== null,
      'must be a cron expression of five fields, such as "0 8 * * MON-FRI": minute, hour, day, month, weekday',
    ),
  ),
  timeZone: field(
    z
      .string("must be the name of a time zone")
      .refine(isTimeZone, 'is no time zone: give a name such as "Europe/Berlin" or "UTC"'),
    "UTC",
  ),
  durationSeconds: field(
    duration.refine((given) => (durationSeconds(given) ?? 0) <= 86_400, "must be at most a day (86400 s)"),
  ),
  min: field(whole(1, MOST_REPLICAS)),
});

/** How many replicas a pool has, by what, and of which market. The delays are SkyServe's. */
export const capacityInput = closed({
  min: field(whole(0, MOST_REPLICAS).optional()),
  max: field(whole(1, MOST_REPLICAS).optional()),
  initial: field(whole(1, MOST_REPLICAS).optional()),
  targetQpsPerReplica: field(z.union([qps, z.record(z.string(), field(qps))], { error: targetSentence }).optional()),
  targetInFlightPerReplica: field(moreThanNone("a number of requests").optional()),
  targetLatencyP95Ms: field(milliseconds.optional()),
  targetTimeToFirstByteP95Ms: field(milliseconds.optional()),
  upscaleDelaySeconds: field(durationOrNone, 300),
  downscaleDelaySeconds: field(durationOrNone, 1200),
  windowSeconds: field(duration, 60),
  maxStepUpPercent: field(whole(1, 1000, "(percent of the replicas)").optional()),
  maxStepDown: field(whole(1, MOST_REPLICAS).optional()),
  schedules: field(z.array(field(schedule), "must be a list of schedules").optional()),
  spot: field(spotInput.optional()),
});

const weight =
  "must be a number from 0.01 to 100 with at most two decimals: what one replica carries, against a replica of weight 1";

/** In hundredths, so that what replicas carry together is always exact. */
export const capacityWeight = z
  .number(weight)
  .min(0.01, weight)
  .max(100, weight)
  .refine((given) => Math.abs(given * 100 - Math.round(given * 100)) < 1e-9, weight);

export type CapacityInput = z.output<typeof capacityInput>;

/** What makes the number of replicas move; each on its own, the largest wins. */
const SIGNALS = [
  "targetQpsPerReplica",
  "targetInFlightPerReplica",
  "targetLatencyP95Ms",
  "targetTimeToFirstByteP95Ms",
  "schedules",
] as const;
const STEP_LIMITS = ["maxStepUpPercent", "maxStepDown"] as const;
const BOUNDS = ["min", "max", "initial"] as const;

/** Whether it says how many replicas there are to be; what it says of markets goes with a fixed number too. */
export function capacityAsks(capacity: CapacityInput): boolean {
  return [...BOUNDS, ...SIGNALS].some((name) => capacity[name] !== undefined);
}

export interface CapacityFault {
  path: string[];
  sentence: string;
}

/** What is wrong with its members together; those that are not known yet are left to `up`. */
export function capacityFaults(given: {
  capacity: CapacityInput;
  replicas: number | undefined;
  /** Of the template, or UNKNOWN. */
  accelerators: unknown;
}): CapacityFault[] {
  const { capacity, replicas } = given;
  if ((capacity as unknown) === UNKNOWN) return [];
  if (!capacityAsks(capacity)) return [...idleFaults(capacity), ...baseFaults(capacity, "replicas", replicas ?? 1)];
  const faults: CapacityFault[] = [];
  const refuse = (path: string, sentence: string) => faults.push({ path: ["capacity", ...path.split(".")], sentence });
  if (replicas !== undefined) {
    faults.push({
      path: ["replicas"],
      sentence: "is a fixed number, and `capacity` lets it move: leave one of the two out",
    });
  }
  const { min = 1, max = min, initial } = capacity;
  const signal = SIGNALS.find((name) => capacity[name] !== undefined);
  const known = [min, max, initial].every((value) => value === undefined || typeof value === "number");
  if (signal !== undefined && capacity.max === undefined) {
    refuse("max", `must be given beside \`${signal}\`: how many replicas there may be at most`);
  } else if (known && min > max) {
    refuse("max", `must be at least min (${min})`);
  } else if (known && signal === undefined && min !== max) {
    refuse("max", `is never reached: say by what it grows from min (${min}), for example targetQpsPerReplica`);
  } else if (known && initial !== undefined && (initial < min || initial > max)) {
    refuse("initial", `must be from ${Math.max(1, min)} to ${max}, as min and max say`);
  }
  for (const [index, { min: least }] of (listed(capacity.schedules) ?? []).entries()) {
    if (typeof max === "number" && typeof least === "number" && least > max) {
      refuse(`schedules.${index}.min`, `must be at most max (${max})`);
    }
  }
  faults.push(...baseFaults(capacity, "max", max));
  for (const [shape, sentence] of shapeFaults(capacity.targetQpsPerReplica, given.accelerators ?? {})) {
    refuse(shape === "" ? "targetQpsPerReplica" : `targetQpsPerReplica.${shape}`, sentence);
  }
  return faults;
}

/** What slows a change down, where nothing changes: delays have defaults, so only these show that more was meant. */
function idleFaults(capacity: CapacityInput): CapacityFault[] {
  return STEP_LIMITS.filter((name) => capacity[name] !== undefined).map((name) => ({
    path: ["capacity", name],
    sentence: "limits how fast the number of replicas moves, and nothing moves it: give min, max and a target too",
  }));
}

function baseFaults({ spot }: CapacityInput, name: string, most: unknown): CapacityFault[] {
  const base = spot?.baseOnDemandReplicas;
  if (typeof base !== "number" || typeof most !== "number" || base <= most) return [];
  const sentence = `must not be more than \`${name}\` (${most}), as the base is part of that number`;
  return [{ path: ["capacity", "spot", "baseOnDemandReplicas"], sentence }];
}

function shapeFaults(target: CapacityInput["targetQpsPerReplica"], accelerators: unknown): [string, string][] {
  if (typeof target !== "object" || hasUnknown(accelerators)) return [];
  const all = [accelerators].flat() as object[];
  const shapes = [...new Set(all.flatMap((one) => Object.keys(one)))];
  if (shapes.length === 0) {
    return [["", "names accelerators, and template.resources asks for none: give one number"]];
  }
  const are = shapes.join(", ");
  const unknown = Object.keys(target).filter((shape) => !shapes.includes(shape));
  const missing = shapes.filter((shape) => !(shape in target));
  return [
    ...unknown.map((shape): [string, string] => [
      shape,
      `is no accelerator of template.resources, which asks for ${are}`,
    ]),
    ...missing.map((shape): [string, string] => [
      "",
      `must have a number for ${shape}, which template.resources asks for`,
    ]),
  ];
}

function listed(schedules: CapacityInput["schedules"]): CapacityInput["schedules"] {
  return Array.isArray(schedules) ? schedules.filter((each) => typeof each === "object") : undefined;
}

function targetSentence(): string {
  return "must be a number of requests a second, more than 0, or one for each accelerator, such as { A10G: 2 }";
}
