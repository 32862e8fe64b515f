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
   * How long a spot replica that is missing is waited for while its replacement is on its way or can be asked for, before
   * on-demand stands in. What no zone can be asked for never waits. "auto": half as long again as spot usually takes to
   * become ready here; on-demand that starts with it would not be ready sooner. 0: on-demand starts beside every
   * replacement, as SkyServe does. Gaps that ready spare replicas cover are none. Default "auto".
   */
  graceSeconds: number | "auto";
  /** A fallback VM is kept at least this long: under losses that follow each other, ending and starting it again and
   * again costs more than it saves. Default 0. */
  minFallbackSeconds: number;
  /**
   * How long a zone that took or refused replicas is not relied on: on-demand stays until one replica has been ready
   * there for so long; replicas that a loss left over are replaced in advance; and where a zone took one alone, there is
   * one spare replica until half of that is forgotten (two hours). Longer: fewer gaps, more on-demand. 0: no such
   * caution, as in SkyServe. Default 600.
   */
  cautionSeconds: number;
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
  cautionSeconds: 600,
  fallbackBudget: null,
  fallbackAtStart: false,
};

/** Most spare spot replicas that a pool ever has: the declared ones, or the one that caution keeps after a loss. */
export function mostSpare({ numOverprovision, cautionSeconds }: SpotSpec): number {
  return Math.max(numOverprovision, cautionSeconds > 0 ? 1 : 0);
}
