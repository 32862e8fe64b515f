import type { Path, PlanState, PlannedPool } from "./states";
import { planSurge } from "./surge";

/** Rule R's plan and nothing else: enough for an outsider to check every inequality of it. */
export interface SurgePlan {
  /** Per pool: the most VMs that may exist at once. */
  cap: Record<string, number>;
  /** Every state that the plan visits, in order; the first is the start. */
  states: SurgeState[];
}

export interface SurgeState {
  kind: Extract<PlanState["kind"], "start" | "up" | "tighten" | "shift" | "down">;
  /** Nominal percent that the step leads to; the start is 0. */
  percent: number;
  /** Replicas of each version. */
  pools: Record<string, { canary: number; primary: number }>;
  /** Integers in the ratio canary : primary, never percents. */
  weights: { canary: number; primary: number };
}

/**
 * The surge rollout of these pools from `from` to `to` replicas, by the function that the rollout itself goes by.
 *
 * @example surgePlan({ pools: [{ name: "chat", from: 4, to: 4 }], maxSurgePercent: 25 }).cap // { chat: 5 }
 * @throws RangeError when no pool is given, a number is no integer or the surge is outside 1..100.
 */
export function surgePlan({
  pools,
  maxSurgePercent,
}: {
  pools: readonly PlannedPool[];
  maxSurgePercent: number;
}): SurgePlan {
  if (pools.length === 0) {
    throw new RangeError('pools is empty: name at least one, such as { name: "chat", from: 4, to: 4 }');
  }
  return toldOf(planSurge({ pools, maxSurgePercent }));
}

/** Leaves out what a path holds for our own use alone: where it waits, and the floor that only other strategies have. */
export function toldOf({ cap, states }: Path): SurgePlan {
  return {
    cap,
    // Rule R makes no other kinds.
    states: states.map(({ kind, percent, pools, weights }) => ({
      kind: kind as SurgeState["kind"],
      percent,
      pools,
      weights,
    })),
  };
}
