import type { Candidate, Slot } from "./candidate";
import type { Pace, PlacementMemory } from "./memory";
import { choose } from "./placement";
import type { FallbackBudget, SpotSpec } from "./spec";
import { isThere, isTrial, isTrusted, nextLoss, type ZoneQuestion } from "./zone";

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
  /** Why it is not just what was declared, as a sentence for the event log; null: it is. */
  reason: string | null;
}

/** Until the first start has been seen, and with room for one that is slower than the last ones. */
const UNKNOWN_START_MS = 300_000;
const SLOWER = 1.5;

/** How many replicas of each market a pool should have now. */
export function mix(question: MixQuestion): Mix {
  const { spec, wanted, slots, now } = question;
  const base = Math.min(spec.baseOnDemandReplicas, wanted);
  const serving = wanted - base;
  const zones = question.candidates.filter(({ market }) => market === "spot");
  const zone: ZoneQuestion = { ...question, cautionSeconds: spec.cautionSeconds };
  const distrusted = zones.filter((one) => !isTrusted(one, zone));
  const trusted = (slot: Slot) => !distrusted.some((one) => isThere(slot, one));

  const spots = slots.filter(({ market, status }) => market === "spot" && status !== "noticed");
  const ready = spots.filter(({ status }) => status === "ready");
  // What survived a loss in its zone serves on, but is replaced before it goes too.
  const doubted = ready.filter((slot) => !trusted(slot) && !isTrial(slot, zone)).length;
  const missing = Math.max(0, serving - ready.filter(trusted).length);
  const state: SpotState = {
    missingSince: missingSince(question.state.missingSince, missing, now),
    started: question.state.started || ready.length > 0,
  };
  // Without the spare itself: beside it a zone could take more than one, so that it would be needless, and needed again.
  const needed = { ...zone, slots: [...spots].sort((a, b) => a.launchedAt - b.launchedAt).slice(0, serving) };
  // One spare covers the loss of one. Where a zone takes more at once, it would be paid for and change nothing.
  const uneasy = zones.some((one) => nextLoss(one, needed) === 1);
  // One after the other: with its successor ready there is one too many, and what is at risk goes first. A spare that is
  // there anyway covers its loss.
  const risky = spec.cautionSeconds > 0 && ready.some(({ atRisk }) => atRisk) && ready.length <= serving;
  const spare = Math.max(spec.numOverprovision, uneasy || risky ? 1 : 0);
  const inAdvance = serving === 0 ? 0 : serving + spare + Math.min(serving, doubted);
  // What is doubted still counts as ready where VMs are limited: replacing it in advance must not need more of them.
  const room = wanted + spare + Math.max(0, serving + spare - ready.length) - base;
  const there = slots.filter((slot) => slot.fallback && slot.status !== "noticed");
  const most = Math.max(serving - ready.length, there.length, room - spots.length);
  const standIns = spec.dynamicOnDemandFallback ? Math.min(fallback(), most) : 0;
  const spot = Math.min(inAdvance, Math.max(spots.length, room - standIns));

  return { spot, onDemand: base + standIns, fallback: standIns, state, reason: reasonOf() };

  function fallback(): number {
    const grace = graceMs(question, state.started);
    const overdue = state.missingSince.filter((since) => now - since >= grace).length;
    const starting = spots.filter(({ status }) => status === "launching" || status === "starting");
    const onTheWay = starting.filter((slot) => now - slot.launchedAt < grace && trusted(slot)).length;
    const expected = grace === 0 ? 0 : onTheWay + placeable(question, inAdvance - spots.length);
    const young = there.filter(({ launchedAt }) => now - launchedAt < spec.minFallbackSeconds * 1000).length;
    // One that runs stays until spot is ready, not until it is on its way.
    const kept = Math.min(there.length, missing);
    return Math.min(
      mostFallback(spec.fallbackBudget, question.candidates),
      Math.max(overdue, missing - expected, kept, young),
    );
  }

  function reasonOf(): string | null {
    const parts: string[] = [];
    if (standIns > 0)
      parts.push(`${standIns} on-demand stand in, as ${missing} of ${serving} spot replicas are missing`);
    if (doubted > 0) parts.push(`${doubted} spot replicas are replaced in advance, as their zone took others just now`);
    if (spare > spec.numOverprovision) {
      const why = uneasy ? "a zone in use took one lately" : "the cloud may take one that it named";
      parts.push(`one spot replica more, as ${why}`);
    }
    return parts.length === 0 ? null : `${parts.join("; ")}.`;
  }
}

/** The oldest gaps are the first to be filled. */
function missingSince(since: readonly number[], missing: number, now: number): number[] {
  const still = since.slice(Math.max(0, since.length - missing));
  return [...still, ...Array.from({ length: missing - still.length }, () => now)];
}

function graceMs({ spec, memory }: MixQuestion, started: boolean): number {
  const asked = started ? spec.graceSeconds : spec.fallbackAtStart ? 0 : "auto";
  return asked === "auto" ? (memory.usualReadyMs ?? UNKNOWN_START_MS) * SLOWER : asked * 1000;
}

/** How many of so many launches have a trusted place to go to now. */
function placeable({ candidates, memory, slots, now, spec, pace }: MixQuestion, launches: number): number {
  const spot = candidates.filter(({ market }) => market === "spot");
  const all = [...slots];
  let trusted = 0;
  for (let count = 0; count < launches; count += 1) {
    const question = {
      candidates: spot,
      memory,
      slots: all,
      now,
      cautionSeconds: spec.cautionSeconds,
      ...(pace && { pace }),
    };
    const choice = choose(question);
    if (choice === null) break;
    if (isTrusted(choice.candidate, question)) trusted += 1;
    all.push({ ...choice.candidate, id: "", status: "launching", launchedAt: now, readyAt: null, fallback: false });
  }
  return trusted;
}

function mostFallback(budget: FallbackBudget | null, candidates: readonly Candidate[]): number {
  if (budget === null) return Infinity;
  if (budget.kind === "replicas") return budget.replicas;
  const prices = candidates.flatMap(({ market, dollarsPerHour }) =>
    market === "onDemand" && dollarsPerHour !== null && dollarsPerHour > 0 ? [dollarsPerHour] : [],
  );
  // By the dearest: whichever place it comes to, the budget holds.
  return prices.length === 0 ? Infinity : Math.floor(budget.dollars / Math.max(...prices) + 1e-9);
}
