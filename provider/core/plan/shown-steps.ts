import type { Strategy } from "../strategy";
import { count } from "./classify";
import { describeSteps } from "./describe";
import type { PlannedPool, PlanState } from "./states";

/** Counts of pools in all steps that are shown together: Pulumi stores them with each deployment and prints them. */
const MOST_COUNTS = 2000;

interface Shown {
  steps: string[];
  /** The start and the states of the steps that are shown. */
  states: PlanState[];
}

/**
 * A plan of many pools in small steps has thousands of states that hold all pools each. Of one that is too long the first
 * and the last steps are shown, with a sentence that says how many are left out and what prints them. The rollout itself
 * plans anew by the same rule, so nothing depends on what is left out here.
 *
 * @param whence held: it goes on from where it holds, which no command can plan
 */
export function shownSteps(
  states: PlanState[],
  pools: readonly PlannedPool[],
  strategy: Strategy,
  whence: "start" | "held",
): Shown {
  const steps = describeSteps(states, Object.fromEntries(pools.map(({ name, from, to }) => [name, { from, to }])));
  const half = Math.max(5, Math.floor(MOST_COUNTS / pools.length / 2));
  const leftOut = steps.length - 2 * half;
  if (leftOut <= 0) return { steps, states };
  const printed = whence === "held" ? "" : `: \`${planCommand(pools, strategy)}\` prints all`;
  return {
    steps: [
      ...steps.slice(0, half),
      `... ${count(leftOut, "further step")} of ${steps.length} left out here${printed}`,
      ...steps.slice(-half),
    ],
    states: [...states.slice(0, half + 1), ...states.slice(-half)],
  };
}

/** Prints the same states, in words of the command line. */
function planCommand(pools: readonly PlannedPool[], strategy: Strategy): string {
  const words = pools.flatMap(({ name, from, to, weights }) => [
    `--pool ${name}=${from}:${to}`,
    ...(weights ? [`--capacity-weight ${name}=${weights.from / 100}:${weights.to / 100}`] : []),
  ]);
  return ["pulumi-serve plan", ...words, ...optionsOf(strategy)].join(" ");
}

function optionsOf(strategy: Strategy): string[] {
  switch (strategy.kind) {
    case "surge": {
      const { maxSurgePercent, canaryPercent } = strategy;
      const hold = canaryPercent === null ? [] : [`--canary-percent ${canaryPercent}`];
      return [`--max-surge-percent ${maxSurgePercent}`, ...hold];
    }
    case "blueGreen":
      return ["--strategy blueGreen"];
    case "rolling":
      return [...waves(strategy), `--order ${strategy.order}`];
    case "inPlace":
      return waves(strategy);
  }
}

function waves({
  kind,
  maxUnavailablePercent,
  allowOutage,
}: Extract<Strategy, { kind: "rolling" | "inPlace" }>): string[] {
  const outage = allowOutage ? ["--allow-outage"] : [];
  return [`--strategy ${kind}`, `--max-unavailable-percent ${maxUnavailablePercent}`, ...outage];
}
