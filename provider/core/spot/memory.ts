import type { ErrorScope } from "../errors";
import type { Candidate } from "./candidate";

/** What became of launches, by domain; forgets by half-life, JSON-clean, kept in the pool's state. */
export interface PlacementMemory {
  /** A domain is as wide as the error reached: a candidate, a market in a region, or a whole target. */
  domains: Record<string, DomainMemory>;
  /** How long a spot replica lately took from launch to ready; null: none did yet. */
  usualReadyMs: number | null;
}

export interface DomainMemory {
  /** Losses and refusals, halved with every half-life since `at`. */
  trouble: number;
  at: number;
  /** No launch before. */
  retryAt: number;
  /** One launch at a time, until one became ready. */
  onTrial: boolean;
  reason: string;
}

export type PlacementEvent =
  | { kind: "ready"; candidate: Candidate; afterMs: number }
  | { kind: "refused"; candidate: Candidate; scope: ErrorScope; reason: string }
  /** A running VM went; preempted: the market took it, which says something of its zone. */
  | { kind: "lost"; candidate: Candidate; preempted: boolean };

/** How fast trouble is forgotten and a refusing place is asked again. */
export interface Pace {
  halfLifeMs: number;
  /** Wait after the first refusal or loss; doubled with each further one that is not forgotten. */
  firstWaitMs: number;
  /** Refused launches cost nothing, so a place that came back is found within this time. */
  longestWaitMs: number;
}

export const PACE: Pace = { halfLifeMs: 3_600_000, firstWaitMs: 60_000, longestWaitMs: 300_000 };

export const NO_MEMORY: PlacementMemory = { domains: {}, usualReadyMs: null };

/** Less trouble than this is forgotten. */
const FORGOTTEN = 0.05;
/** Weight of the latest start in `usualReadyMs`. */
const LATEST = 0.3;

export function note(memory: PlacementMemory, event: PlacementEvent, now: number, pace: Pace = PACE): PlacementMemory {
  switch (event.kind) {
    case "ready":
      return afterReady(memory, event.candidate, event.afterMs);
    case "refused": {
      const { candidate, scope, reason } = event;
      return troubled(memory, refusedDomain(candidate, scope), reason, now, pace);
    }
    case "lost":
      if (!event.preempted) return memory;
      return troubled(memory, event.candidate.key, "a replica was taken there", now, pace);
  }
}

/** What is remembered of a candidate: of itself, of its market in its region, and of its target. */
export function domainsOf({ key, target, region, market }: Candidate): [string, string, string] {
  return [key, `${target}/${region}/*/${market}`, target];
}

/** Trouble that is not forgotten yet. */
export function troubleNow({ trouble, at }: DomainMemory, now: number, { halfLifeMs }: Pace = PACE): number {
  return trouble * 0.5 ** (Math.max(0, now - at) / halfLifeMs);
}

function refusedDomain(candidate: Candidate, scope: ErrorScope): string {
  const [place, market, target] = domainsOf(candidate);
  if (scope === "zoneAndType") return place;
  // A quota of the market is a region's; whatever reaches further is the account's.
  return scope === "market" ? market : target;
}

function troubled(memory: PlacementMemory, domain: string, reason: string, now: number, pace: Pace): PlacementMemory {
  const before = memory.domains[domain];
  const trouble = (before === undefined ? 0 : troubleNow(before, now, pace)) + 1;
  const waitMs = Math.min(pace.longestWaitMs, pace.firstWaitMs * 2 ** Math.max(0, Math.round(trouble) - 1));
  const kept = Object.entries(memory.domains).filter(([, known]) => troubleNow(known, now, pace) >= FORGOTTEN);
  return {
    ...memory,
    domains: {
      ...Object.fromEntries(kept),
      [domain]: { trouble, at: now, onTrial: true, retryAt: now + waitMs, reason },
    },
  };
}

/** It works there again: no waiting and no trial any more. The trouble itself is forgotten by time alone. */
function afterReady(memory: PlacementMemory, candidate: Candidate, afterMs: number): PlacementMemory {
  const usual = memory.usualReadyMs;
  const domains = { ...memory.domains };
  for (const domain of domainsOf(candidate)) {
    const known = domains[domain];
    if (known !== undefined) domains[domain] = { ...known, onTrial: false };
  }
  return { domains, usualReadyMs: usual === null ? afterMs : usual + LATEST * (afterMs - usual) };
}
