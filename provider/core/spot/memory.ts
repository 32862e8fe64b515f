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
  /** Losses (all of one minute are one) and the outage that was found, halved with every half-life since `at`. */
  trouble: number;
  at: number;
  /** Refused in a row. */
  refusals: number;
  /** No launch before. */
  retryAt: number;
  /** When a replica was last taken there; null: only refusals. */
  lostAt: number | null;
  /** How many it took then. */
  lossSize: number;
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
  /** Wait after the first refusal; doubled with each further refusal in a row. */
  firstWaitMs: number;
  /** Refused launches cost nothing, so a place that came back is found within this time. */
  longestWaitMs: number;
}

export const PACE: Pace = { halfLifeMs: 7_200_000, firstWaitMs: 60_000, longestWaitMs: 300_000 };

export const NO_MEMORY: PlacementMemory = { domains: {}, usualReadyMs: null };

/** Less trouble than this is forgotten. */
const FORGOTTEN = 0.05;
/** Losses within this time are one event. */
const ONE_EVENT_MS = 60_000;
/** Weight of the latest start in `usualReadyMs`. */
const LATEST = 0.3;

export function note(memory: PlacementMemory, event: PlacementEvent, now: number, pace: Pace = PACE): PlacementMemory {
  switch (event.kind) {
    case "ready":
      return afterReady(memory, event.candidate, event.afterMs);
    case "refused": {
      const domain = refusedDomain(event.candidate, event.scope);
      const before = memory.domains[domain];
      const refusals = (before?.refusals ?? 0) + 1;
      const waitMs = Math.min(pace.longestWaitMs, pace.firstWaitMs * 2 ** (refusals - 1));
      return keep(memory, domain, now, pace, {
        trouble: before === undefined ? 1 : troubleNow(before, now, pace),
        at: now,
        refusals,
        retryAt: now + waitMs,
        lostAt: before?.lostAt ?? null,
        lossSize: before?.lossSize ?? 0,
        reason: event.reason,
      });
    }
    case "lost": {
      if (!event.preempted) return memory;
      const before = memory.domains[event.candidate.key];
      const again = before !== undefined && before.lostAt !== null && now - before.lostAt < ONE_EVENT_MS;
      return keep(memory, event.candidate.key, now, pace, {
        trouble: (before === undefined ? 0 : troubleNow(before, now, pace)) + (again ? 0 : 1),
        at: now,
        refusals: before?.refusals ?? 0,
        // It may be asked again at once: a market that took one often has others, and else it refuses.
        retryAt: before?.retryAt ?? now,
        lostAt: now,
        lossSize: (again ? before.lossSize : 0) + 1,
        reason: "a replica was taken there",
      });
    }
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

function keep(memory: PlacementMemory, domain: string, now: number, pace: Pace, known: DomainMemory): PlacementMemory {
  const others = Object.entries(memory.domains).filter(([, one]) => troubleNow(one, now, pace) >= FORGOTTEN);
  return { ...memory, domains: { ...Object.fromEntries(others), [domain]: known } };
}

/** It works there again: what refuses next waits the shortest time. The trouble itself is forgotten by time alone. */
function afterReady(memory: PlacementMemory, candidate: Candidate, afterMs: number): PlacementMemory {
  const usual = memory.usualReadyMs;
  const domains = { ...memory.domains };
  for (const domain of domainsOf(candidate)) {
    const known = domains[domain];
    if (known !== undefined) domains[domain] = { ...known, refusals: 0 };
  }
  return { domains, usualReadyMs: usual === null ? afterMs : usual + LATEST * (afterMs - usual) };
}
