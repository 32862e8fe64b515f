/** What a tick wants of each pool; the reconciler turns the difference to what is there into moves. */
export interface Goals {
  pools: Record<string, PoolGoal>;
  /** The rollout's split, canary : primary; where replicas share the traffic, what is ready of each. */
  weights: Weights;
}

export interface Weights {
  canary: number;
  primary: number;
}

export interface PoolGoal {
  primary: SideGoal;
  canary: SideGoal;
  split: Split;
  /** What no move of ours may break. */
  keeps: Keeps;
  /** Capacity of one replica of each version: what a split by replica and a floor are made of; absent: they are alike. */
  units?: Weights;
  /** restart: VMs of primaries that go become canaries (and back). */
  exchange: "newVm" | "restart";
  /**
   * What the primary's VMs should be, fallback and spare ones counted; absent: its number of replicas says it all, of one
   * market, or in a rollout of whichever they are.
   */
  markets?: Markets;
  /** The most VMs that may exist at once. */
  cap: number;
  /** Part of the rollout in progress: its traffic follows the weights. */
  moving: boolean;
  /** Declared to end: nothing protects its last replica. */
  leaving: boolean;
}

/** VMs of each market that a pool should have. */
export interface Markets {
  spot: number;
  onDemand: number;
}

export type Split =
  /** Integer shares canary : primary. */
  | { kind: "shares"; weights: Weights }
  /** Each ready replica its share by what it can carry, whichever version it is of. */
  | { kind: "byReplica" };

export type Keeps =
  /** Each version the ready replicas that its weight asks for. */
  | { kind: "shares" }
  /** Both versions together this many ready replicas, or as many units of capacity. */
  | { kind: "floor"; ready: number };

export interface SideGoal {
  replicas: number;
  /** Steady state of this version: what its share of the traffic is a share of. */
  steady: number;
}

export const NO_SIDE: SideGoal = { replicas: 0, steady: 0 };
export const ALL_PRIMARY: Weights = { canary: 0, primary: 100 };
export const ONE_VERSION: Split = { kind: "shares", weights: ALL_PRIMARY };
export const SHARES: Keeps = { kind: "shares" };
export const NOBODY: Keeps = { kind: "floor", ready: 0 };
