import type { ErrorScope } from "../errors";
import type { Candidate } from "./candidate";

/** What became of launches, by domain; forgets by half-life, JSON-clean, kept in the pool's state. */
export interface PlacementMemory {
  domains: Record<string, DomainMemory>;
}

export interface DomainMemory {
  /** Trouble seen, halved with every half-life. */
  trouble: number;
  at: number;
  /** No launch before; then one trial at a time. */
  retryAt: number;
  reason: string;
}

export type PlacementEvent =
  | { kind: "launched"; candidate: Candidate }
  /** Became ready after so long: what "usual launch time" is learned from. */
  | { kind: "ready"; candidate: Candidate; afterMs: number }
  | { kind: "refused"; candidate: Candidate; scope: ErrorScope; reason: string }
  /** A running VM went; preempted: the market took it, which says something of its zone. */
  | { kind: "lost"; candidate: Candidate; preempted: boolean };

export const NO_MEMORY: PlacementMemory = { domains: {} };

export function note(memory: PlacementMemory, _event: PlacementEvent, _now: number): PlacementMemory {
  return memory;
}
