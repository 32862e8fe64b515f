import type { Candidate, Slot } from "./candidate";
import { domainsOf, type Pace, type PlacementMemory } from "./memory";
import { inZone, isThere, isTrial, isTrusted, troubleOf, type ZoneQuestion } from "./zone";

export interface PlacementQuestion {
  /** Of the market that the launch is for. */
  candidates: readonly Candidate[];
  memory: PlacementMemory;
  /** All of the pool's, the launches already decided in this tick among them. */
  slots: readonly Slot[];
  now: number;
  /** See SpotSpec. */
  cautionSeconds: number;
  pace?: Pace;
}

export interface Choice {
  candidate: Candidate;
  /** A sentence for the event log. */
  reason: string;
}

/**
 * Where the next replica goes: zones that are trusted by the time it is ready before those on trial, then the failure domain with the fewest of ours (zone
 * before region), then the least trouble, then the price. Null: nowhere just now (all refused lately, or wait for a
 * trial); ask again in the next tick.
 */
export function choose(question: PlacementQuestion): Choice | null {
  // What is launched towards the end of a trial is ready at its end, and on-demand goes so much earlier.
  const readyAt = { ...question, now: question.now + (question.memory.usualReadyMs ?? 0) };
  const places = question.candidates
    .map((candidate) => ({ candidate, trusted: isTrusted(candidate, readyAt) }))
    .filter(({ candidate, trusted }) => isOpen(candidate, trusted, question))
    .map(({ candidate, trusted }) => ({
      candidate,
      trusted,
      zone: question.slots.filter((slot) => inZone(slot, candidate)).length,
      region: question.slots.filter((slot) => inRegion(slot, candidate)).length,
      trouble: troubleOf(candidate, question),
      price: candidate.dollarsPerHour ?? Infinity,
    }))
    .sort(
      (a, b) =>
        Number(b.trusted) - Number(a.trusted) ||
        a.zone - b.zone ||
        a.region - b.region ||
        a.trouble - b.trouble ||
        // Two unknown prices are equal; their difference is no number.
        (a.price === b.price ? 0 : a.price - b.price) ||
        (a.candidate.key < b.candidate.key ? -1 : 1),
    );
  const [best, next] = places;
  return best === undefined ? null : { candidate: best.candidate, reason: reasonOf(best, next) };
}

interface Place {
  candidate: Candidate;
  trusted: boolean;
  zone: number;
  region: number;
  trouble: number;
  price: number;
}

function reasonOf(best: Place, next: Place | undefined): string {
  const { zone, region, shape, market } = best.candidate;
  const what = `${market === "spot" ? "Spot" : "On-demand"} ${shape} in ${zone}:`;
  if (!best.trusted) return `${what} on trial, as it refused or took replicas lately.`;
  if (next === undefined) return `${what} the only place that can be asked now.`;
  const other = next.candidate.zone;
  if (!next.trusted) return `${what} ${other} refused or took replicas lately.`;
  if (best.zone < next.zone) return `${what} ${best.zone} of the pool's replicas are there, ${next.zone} in ${other}.`;
  if (best.region < next.region) return `${what} region ${region} has fewer of the pool's replicas than ${other}'s.`;
  if (best.trouble < next.trouble) return `${what} quieter than ${other}.`;
  if (best.price < next.price) return `${what} cheaper than ${other} ($${best.price} an hour).`;
  return `${what} as good as ${other}.`;
}

/** False: it refused lately, or its trial is under way. */
function isOpen(candidate: Candidate, trusted: boolean, question: ZoneQuestion): boolean {
  const { memory, slots, now } = question;
  if (domainsOf(candidate).some((domain) => now < (memory.domains[domain]?.retryAt ?? 0))) return false;
  return trusted || !slots.some((slot) => isThere(slot, candidate) && isTrial(slot, question));
}

function inRegion(slot: Slot, { target, region, market }: Candidate): boolean {
  return slot.region === region && slot.target === target && slot.market === market;
}
