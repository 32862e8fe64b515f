import type { VersionMetrics } from "../observed";

/** What the gates of the present settled state are judged from. */
export interface GateState {
  /** Plan state that it belongs to. */
  cursor: number;
  /** Metrics when the state settled, by pool: the window is what came since. */
  baseline: Record<string, { canary: VersionMetrics | null; primary: VersionMetrics | null }>;
  /** The verdict that was told last; its numbers are those of then. */
  verdict: GateVerdict;
  /** What that verdict is about, without the numbers that run: it is told again when this changes. */
  about: string;
}

export type GateVerdict =
  | { kind: "passed" }
  | { kind: "failed"; reason: string }
  /** Not enough seen, or nobody answered: a hold that says so. */
  | { kind: "inconclusive"; reason: string };
