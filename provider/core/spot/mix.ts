import type { Candidate, Slot } from "./candidate";
import type { PlacementMemory } from "./memory";
import type { SpotSpec } from "./spec";

/** The mix's own memory from tick to tick; JSON-clean, kept in the pool's state. */
export interface SpotState {
  /** Since when each missing spot replica has been missing, oldest first. */
  missingSince: number[];
}

export const NO_SPOT_STATE: SpotState = { missingSince: [] };

export interface MixQuestion {
  spec: SpotSpec;
  state: SpotState;
  memory: PlacementMemory;
  /** Of both markets. */
  candidates: readonly Candidate[];
  /** Replicas that the pool should have ready. */
  wanted: number;
  slots: readonly Slot[];
  now: number;
}

export interface Mix {
  /** VMs that should be there, all statuses counted, noticed ones not. */
  spot: number;
  /** The same of on-demand: the base, and what stands in for spot. */
  onDemand: number;
  /** Of `onDemand`: what stands in for spot. A launch is `fallback` as long as fewer of these are there. */
  fallback: number;
  state: SpotState;
  /** Why, as a sentence for the event log; null: as it always is. */
  reason: string | null;
}

/** How many replicas of each market a pool should have now. */
export function mix({ spec, state, wanted, slots }: MixQuestion): Mix {
  const base = Math.min(spec.baseOnDemandReplicas, wanted);
  const spot = wanted - base + (wanted === base ? 0 : spec.numOverprovision);
  const ready = slots.filter(({ market, status }) => market === "spot" && status === "ready").length;
  const fallback = spec.dynamicOnDemandFallback ? Math.min(wanted - base, Math.max(0, spot - ready)) : 0;
  return { spot, onDemand: base + fallback, fallback, state, reason: null };
}
