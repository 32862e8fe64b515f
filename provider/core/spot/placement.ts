import type { Candidate, Slot } from "./candidate";
import type { PlacementMemory } from "./memory";

export interface PlacementQuestion {
  /** Of the market that the launch is for. */
  candidates: readonly Candidate[];
  memory: PlacementMemory;
  /** All of the pool's, the launches already decided in this tick among them. */
  slots: readonly Slot[];
  now: number;
}

export interface Choice {
  candidate: Candidate;
  /** A sentence for the event log. */
  reason: string;
}

/** Where the next replica goes; null: nowhere just now (all refused lately; ask again in the next tick). */
export function choose({ candidates }: PlacementQuestion): Choice | null {
  const [candidate] = candidates;
  return candidate === undefined ? null : { candidate, reason: `${candidate.zone} is the first candidate.` };
}
