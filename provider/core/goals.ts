/** What a tick wants of each pool; the reconciler turns the difference to what is there into moves. */
export interface Goals {
  pools: Record<string, PoolGoal>;
  /** Integer shares canary : primary for the pools that take part in the rollout; others have one version. */
  weights: Weights;
}

export interface Weights {
  canary: number;
  primary: number;
}

export interface PoolGoal {
  primary: SideGoal;
  canary: SideGoal;
  /** The most VMs that may exist at once. */
  cap: number;
  /** Part of the rollout in progress: its traffic follows the weights. */
  moving: boolean;
  /** Declared to end: nothing protects its last replica. */
  leaving: boolean;
}

export interface SideGoal {
  replicas: number;
  /** Steady state of this version: what its share of the traffic is a share of. */
  steady: number;
}

export const NO_SIDE: SideGoal = { replicas: 0, steady: 0 };
export const ALL_PRIMARY: Weights = { canary: 0, primary: 100 };
