import { z } from "zod";
import { DEFAULT_SURGE_PERCENT } from "../strategy";
import { duration, durationOrNone } from "./duration";
import { environment, headers } from "./environment";
import { field, text, whole } from "./field";
import { UNKNOWN } from "./unknown";
import { variants } from "./variants";

const SURGE = "must be a whole number from 1 to 100 (percent of the replicas)";

const maxSurgePercent = z.number(SURGE).superRefine((percent, context) => {
  if (percent === 0) {
    context.addIssue('0 leaves no room for a canary: use the kind "rolling", or give 1 to 100');
  } else if (!Number.isInteger(percent) || percent < 1 || percent > 100) {
    context.addIssue(SURGE);
  }
});

const flag = z.boolean("must be true or false");
const order = z.enum(["stopFirst", "startFirst"], 'must be "stopFirst" or "startFirst"');

function limit(most: number, what: string) {
  const sentence = `must be ${what} from 0 to ${most}`;
  return z.number(sentence).min(0, sentence).max(most, sentence).optional();
}

const minRequests = field(whole(1, 1_000_000), 100);
const slowness = {
  maxMilliseconds: field(limit(86_400_000, "a number of milliseconds")),
  maxTimesPrimary: field(limit(1000, "a number of times the primary's own value")),
  minRequests,
};
const timeoutSeconds = field(duration, 60);

const gate = variants("kind", {
  errorRate: {
    maxPercent: field(limit(100, "a percentage")),
    maxAbovePrimary: field(limit(100, "a number of percentage points")),
    minRequests,
  },
  p95: slowness,
  firstByteP95: slowness,
  command: { run: field(text("a shell command")), env: field(environment.optional()), timeoutSeconds },
  webhook: {
    url: field(z.url({ protocol: /^https?$/, error: "must be an http or https URL" })),
    headers: field(headers.optional()),
    timeoutSeconds,
  },
}).superRefine((given, context) => {
  if (given.kind === "errorRate" && given.maxPercent === undefined && given.maxAbovePrimary === undefined) {
    context.addIssue("needs a limit: give `maxPercent`, `maxAbovePrimary` or both");
  }
  const slow = given.kind === "p95" || given.kind === "firstByteP95";
  if (slow && given.maxMilliseconds === undefined && given.maxTimesPrimary === undefined) {
    context.addIssue("needs a limit: give `maxMilliseconds`, `maxTimesPrimary` or both");
  }
});

type GateInput = z.output<typeof gate>;

const rollback = variants("mode", {
  safe: {},
  immediate: {},
  gradual: { maxSurgePercent: field(maxSurgePercent.optional()) },
});

const common = {
  timeoutSeconds: field(duration, 7200),
  stepTimeoutSeconds: field(duration.optional()),
  capacityWaitSeconds: field(duration, 1800),
  bakeSeconds: field(durationOrNone, 0),
  gates: field(z.array(field(gate), "must be a list of gates"), []),
  // No default here: beside `canaryPercent` one that is given is refused, one that is left out is not.
  rollback: field(rollback.optional()),
  keepRevisions: field(whole(0, 50), 3),
};
const waves = {
  maxUnavailablePercent: field(whole(1, 100, "(percent of the replicas)"), 20),
  allowOutage: field(flag, false),
};

/** How a program says that a rollout moves; parsed, every default is filled in, and parsing it again changes nothing. */
export const strategyInput = variants(
  "kind",
  {
    surge: {
      ...common,
      maxSurgePercent: field(maxSurgePercent, DEFAULT_SURGE_PERCENT),
      canaryPercent: field(whole(0, 100, "(percent of the traffic)").optional()),
    },
    blueGreen: common,
    rolling: { ...common, ...waves, order: field(order, "stopFirst") },
    inPlace: { ...common, ...waves },
  },
  "surge",
).superRefine((given, context) => {
  const refuse = (path: PropertyKey[], message: string) => context.addIssue({ code: "custom", path, message });
  // Where the kind is not known yet, neither is what goes with it.
  if ((given.kind as string) === UNKNOWN) return;
  const gates = known(given.gates);
  switch (given.kind) {
    case "surge":
      if (given.canaryPercent !== undefined && given.rollback !== undefined) {
        refuse(["rollback"], "`canaryPercent` turns automatic rollback off: leave one of the two out");
      }
      if (given.canaryPercent !== 0) return;
      for (const [index, { kind }] of gates.entries()) {
        if (kind !== "errorRate" && kind !== "p95" && kind !== "firstByteP95") continue;
        refuse(["gates", index], "a `canaryPercent` of 0 gives the canary no traffic to judge by: leave the gate out");
      }
      return;
    case "blueGreen":
      for (const [index, each] of gates.entries()) {
        const field = comparison(each);
        if (field === null) continue;
        refuse(["gates", index, field], "after a blueGreen cut-over the primary has no traffic to compare with");
      }
      return;
    case "rolling":
    case "inPlace":
      if (given.rollback !== undefined && (given.rollback as unknown) !== UNKNOWN && given.rollback.mode !== "safe") {
        refuse(["rollback", "mode"], `a rollout of the kind "${given.kind}" goes back wave by wave: leave it out`);
      }
  }
});

export type StrategyInput = z.output<typeof strategyInput>;

function known(gates: readonly GateInput[] | typeof UNKNOWN): readonly GateInput[] {
  return gates === UNKNOWN ? [] : gates;
}

/** The member that compares with the primary; null: none does. */
function comparison(each: GateInput): "maxAbovePrimary" | "maxTimesPrimary" | null {
  switch (each.kind) {
    case "errorRate":
      return each.maxAbovePrimary === undefined ? null : "maxAbovePrimary";
    case "p95":
    case "firstByteP95":
      return each.maxTimesPrimary === undefined ? null : "maxTimesPrimary";
    default:
      return null;
  }
}
