/** One state that a plan visits. Weights are integers in the ratio canary : primary, never percents. */
export interface PlanState {
  kind: PlanStateKind;
  /** Nominal percent that the step leads to; the start is 0. */
  percent: number;
  pools: Record<string, { canary: number; primary: number }>;
  /** What the split is to be; a rolling or in-place rollout follows what is ready instead, and this is its forecast. */
  weights: { canary: number; primary: number };
  /** Bakes, gates, holds and pauses wait here, before the next state is made the goal. */
  settled: boolean;
}

export type PlanStateKind =
  | "start"
  /** More canaries; on the way back more primaries. */
  | "up"
  /** Traffic set to exactly the canary's share, so that a primary can go to make room under the cap; back: the mirror. */
  | "tighten"
  /** Traffic to the canary; back: to the primary. */
  | "shift"
  /** Fewer primaries; back: fewer canaries. */
  | "down"
  /** All traffic in one generation (blueGreen). */
  | "cutOver"
  /** A wave of primaries restarts as canaries on the same VMs (inPlace). */
  | "restart";

export interface PlannedPool {
  name: string;
  /** Replicas of the primary in steady state; 0: the pool is new. */
  from: number;
  /** Replicas of the canary in steady state; 0: the pool goes. */
  to: number;
  /**
   * Capacity of one replica of each version, in hundredths of the usual one; absent: both are usual. A version's share of
   * its own steady state is the same by weight and by number, so this changes nothing where versions have shares (A13).
   */
  weights?: { from: number; to: number };
}

/** Where a path begins when it is not at the start: the counts that are there and the traffic in force. */
export interface Begin {
  /** Nominal percent of the state that was reached; the path itself goes by the weights. */
  percent: number;
  pools: Record<string, { canary: number; primary: number }>;
  weights: { canary: number; primary: number };
}

export interface Path {
  /** Per pool: the most VMs that may exist at once. */
  cap: Record<string, number>;
  /**
   * Per pool: the fewest ready replicas of both versions that our own moves leave (rolling, inPlace); else null. Where the
   * versions' replicas differ in capacity, in units of that (see `unitsOf`).
   */
  floor: Record<string, number> | null;
  /** Every state that the plan visits, in order; the first is the start. */
  states: PlanState[];
}
