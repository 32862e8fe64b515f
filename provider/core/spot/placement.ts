import type { Candidate, Slot } from "./candidate";
import { domainsOf, PACE, troubleNow, type Pace, type PlacementMemory } from "./memory";

export interface PlacementQuestion {
  /** Of the market that the launch is for. */
  candidates: readonly Candidate[];
  memory: PlacementMemory;
  /** All of the pool's, the launches already decided in this tick among them. */
  slots: readonly Slot[];
  now: number;
  pace?: Pace;
}

export interface Choice {
  candidate: Candidate;
  /** A sentence for the event log. */
  reason: string;
}

/**
 * Where the next replica goes: the failure domain with the fewest of ours, zone before region, then what has been quiet
 * for longest, then the price. Null: nowhere just now (all refused lately, or wait for a trial); ask again next tick.
 */
export function choose({ candidates, memory, slots, now, pace = PACE }: PlacementQuestion): Choice | null {
  const places = candidates
    .filter((candidate) => waitsFor(candidate, memory, slots, now) === null)
    .map((candidate) => ({
      candidate,
      inZone: slots.filter((slot) => sameZone(slot, candidate)).length,
      inRegion: slots.filter((slot) => sameRegion(slot, candidate)).length,
      trouble: troubleOf(candidate, memory, now, pace),
    }));
  const [best] = places.sort(
    (a, b) =>
      a.inZone - b.inZone ||
      a.inRegion - b.inRegion ||
      a.trouble - b.trouble ||
      (a.candidate.dollarsPerHour ?? Infinity) - (b.candidate.dollarsPerHour ?? Infinity) ||
      (a.candidate.key < b.candidate.key ? -1 : 1),
  );
  if (best === undefined) return null;
  return { candidate: best.candidate, reason: best.candidate.zone };
}

/** Why a candidate cannot be launched now; null: it can. */
function waitsFor(candidate: Candidate, memory: PlacementMemory, slots: readonly Slot[], now: number): string | null {
  for (const domain of domainsOf(candidate)) {
    const known = memory.domains[domain];
    if (known === undefined) continue;
    if (now < known.retryAt) return `waits`;
    if (
      known.onTrial &&
      slots.some((slot) => slot.market === candidate.market && sameZone(slot, candidate) && slot.status !== "ready")
    )
      return "trial";
  }
  return null;
}

function troubleOf(candidate: Candidate, memory: PlacementMemory, now: number, pace: Pace): number {
  return domainsOf(candidate).reduce((sum, domain) => {
    const known = memory.domains[domain];
    return known === undefined ? sum : sum + troubleNow(known, now, pace);
  }, 0);
}

function sameZone(slot: Slot, { target, region, zone, market }: Candidate): boolean {
  return slot.zone === zone && slot.region === region && slot.target === target && slot.market === market;
}

function sameRegion(slot: Slot, { target, region, market }: Candidate): boolean {
  return slot.region === region && slot.target === target && slot.market === market;
}
