import type { Candidate, Slot } from "./candidate";
import type { Pace, PlacementMemory } from "./memory";
import { choose } from "./placement";
import type { SpotSpec } from "./spec";

/** The mix's own memory from tick to tick; JSON-clean, kept in the pool's state. */
export interface SpotState {
  /** Since when each missing spot replica has been missing, oldest first. */
  missingSince: number[];
  /** True once a spot replica was ready: from then on nothing is a first start any more. */
  started: boolean;
}

export const NO_SPOT_STATE: SpotState = { missingSince: [], started: false };

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
  pace?: Pace;
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

/** Until the first start has been seen, and with room for one that is slower than the last ones. */
const UNKNOWN_START_MS = 300_000;
const SLOWER = 1.5;

/** How many replicas of each market a pool should have now. */
export function mix(question: MixQuestion): Mix {
  const { spec, wanted, slots, now, memory } = question;
  const base = Math.min(spec.baseOnDemandReplicas, wanted);
  const serving = wanted - base;
  const spots = slots.filter(({ market, status }) => market === "spot" && status !== "noticed");
  const ready = spots.filter(({ status }) => status === "ready").length;
  const started = question.state.started || ready > 0;
  const missing = Math.max(0, serving - ready);
  const since = question.state.missingSince;
  const missingSince = [
    ...since.slice(Math.max(0, since.length - missing)),
    ...Array.from({ length: Math.max(0, missing - since.length) }, () => now),
  ];
  const spot = serving === 0 ? 0 : serving + spec.numOverprovision;
  const auto = (memory.usualReadyMs ?? UNKNOWN_START_MS) * SLOWER;
  const asked = started ? spec.graceSeconds : spec.fallbackAtStart ? 0 : "auto";
  const grace = asked === "auto" ? auto : asked * 1000;
  let fallback = 0;
  if (spec.dynamicOnDemandFallback) {
    const overdue = missingSince.filter((at) => now - at >= grace).length;
    const onTheWay = spots.filter(
      ({ status, launchedAt }) => (status === "launching" || status === "starting") && now - launchedAt < grace,
    ).length;
    const toLaunch = Math.max(0, Math.min(spot - spots.length, missing - onTheWay));
    const absent = Math.max(0, missing - onTheWay - placeable(question, toLaunch));
    const there = slots.filter((slot) => slot.fallback && slot.status !== "noticed");
    const young = there.filter(({ launchedAt }) => now - launchedAt < spec.minFallbackSeconds * 1000).length;
    fallback = Math.max(overdue, absent, Math.min(there.length, missing), young);
  }
  return { spot, onDemand: base + fallback, fallback, state: { missingSince, started }, reason: null };
}

/** How many of so many launches have a place to go to now. */
function placeable({ candidates, memory, slots, now, pace }: MixQuestion, launches: number): number {
  const spot = candidates.filter(({ market }) => market === "spot");
  const all = [...slots];
  for (let count = 0; count < launches; count += 1) {
    const choice = choose({ candidates: spot, memory, slots: all, now, ...(pace && { pace }) });
    if (choice === null) return count;
    all.push({ ...choice.candidate, id: "", status: "launching", launchedAt: now, readyAt: null, fallback: false });
  }
  return launches;
}
