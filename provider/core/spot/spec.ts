/**
 * How a pool uses the spot market. `SPOT_DEFAULTS` is what a program gets that asks for spot and says no more.
 * Replicas of a market that counts as on-demand (Kubernetes, say) count as on-demand here too.
 */
export interface SpotSpec {
  /** On-demand replicas that always run, inside the pool's number. Default 0. */
  baseOnDemandReplicas: number;
  /** On-demand replicas stand in for spot replicas that are not ready, and go when spot is back. Default true. */
  dynamicOnDemandFallback: boolean;
  /** Spot replicas above the pool's number: the spare that covers a loss while its replacement starts. Default 0. */
  numOverprovision: number;
  /**
   * How long a missing spot replica may stay missing before on-demand stands in, where ready spare replicas cover the gap.
   * "auto": as long as a spot replica usually takes to become ready here. A gap that nothing covers never waits.
   * 0: stand in at once, as SkyServe does. Default "auto".
   */
  graceSeconds: number | "auto";
  /** A fallback VM is kept at least this long: under losses that follow each other, ending and starting it again and
   * again costs more than it saves. Default 0. */
  minFallbackSeconds: number;
  /** Most fallback VMs at once: a number, or what they may cost together. Null (default): as many as are missing. */
  fallbackBudget: FallbackBudget | null;
  /**
   * True: at the first start on-demand stands in while spot starts, which doubles the VMs for that time (SkyServe's way,
   * ready as soon as either market is). False (default): on-demand comes only for what spot refuses.
   */
  fallbackAtStart: boolean;
}

export type FallbackBudget =
  | { kind: "replicas"; replicas: number }
  /** Without a known on-demand price nothing can be counted: then there is no limit. */
  | { kind: "dollarsPerHour"; dollars: number };

export const SPOT_DEFAULTS: SpotSpec = {
  baseOnDemandReplicas: 0,
  dynamicOnDemandFallback: true,
  numOverprovision: 0,
  graceSeconds: "auto",
  minFallbackSeconds: 0,
  fallbackBudget: null,
  fallbackAtStart: false,
};
