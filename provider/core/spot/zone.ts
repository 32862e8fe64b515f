import type { Candidate, Slot } from "./candidate";
import { domainsOf, PACE, troubleNow, type Pace, type PlacementMemory } from "./memory";

/** All that a look at one zone needs to know. */
export interface ZoneQuestion {
  memory: PlacementMemory;
  slots: readonly Slot[];
  now: number;
  /** See SpotSpec; 0: no zone is ever held for doubtful. */
  cautionSeconds: number;
  pace?: Pace;
}

/** A loss of less than this share of what stood there says little of the rest. */
const SERIOUS_SHARE = 0.25;
/** Trouble from which on a zone has lost something lately: one loss, until half of it is forgotten. */
const LATELY = 0.5;

export function inZone(slot: Slot, { target, region, zone, market }: Candidate): boolean {
  return slot.zone === zone && slot.region === region && slot.target === target && slot.market === market;
}

/** Of its machines too: what a market gives of one shape says nothing of another. */
export function isThere(slot: Slot, candidate: Candidate): boolean {
  return inZone(slot, candidate) && (slot.shape === undefined || slot.shape === candidate.shape);
}

/**
 * True: replicas there may be relied on. A zone that refused or took some is trusted again once one has been ready
 * there for `cautionSeconds`: most zones that come back are gone again within minutes, and each time is a gap.
 */
export function isTrusted(candidate: Candidate, question: ZoneQuestion): boolean {
  const known = question.memory.domains[candidate.key];
  if (known === undefined || candidate.market === "onDemand" || question.cautionSeconds === 0) return true;
  const here = question.slots.filter((slot) => slot.readyAt !== null && isThere(slot, candidate));
  const serious = known.lossSize >= SERIOUS_SHARE * (known.lossSize + here.length);
  const since = serious ? (known.lostAt ?? 0) : 0;
  return here.some((slot) => question.now - Math.max(slot.readyAt!, since) >= question.cautionSeconds * 1000);
}

/** A replica that proves a zone which is not trusted: it may serve, but nothing relies on it. */
export function isTrial(slot: Slot, { now, cautionSeconds }: ZoneQuestion): boolean {
  return slot.readyAt === null || now - slot.readyAt < cautionSeconds * 1000;
}

/**
 * How many replicas the zone would take now if it took as many as the last time. 0: none of ours are there, or nothing
 * was taken for so long that the next loss would be a surprise.
 */
export function nextLoss(candidate: Candidate, question: ZoneQuestion): number {
  const { memory, slots, now, cautionSeconds, pace = PACE } = question;
  const known = memory.domains[candidate.key];
  if (known === undefined || cautionSeconds === 0 || troubleNow(known, now, pace) < LATELY) return 0;
  const here = slots.filter((slot) => slot.status !== "noticed" && isThere(slot, candidate));
  return Math.min(here.length, known.lossSize);
}

/** Trouble of the place itself, of its market in its region and of its target. */
export function troubleOf(candidate: Candidate, { memory, now, pace = PACE }: ZoneQuestion): number {
  return domainsOf(candidate).reduce((sum, domain) => {
    const known = memory.domains[domain];
    return known === undefined ? sum : sum + troubleNow(known, now, pace);
  }, 0);
}
