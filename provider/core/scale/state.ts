import type { LoadMemory } from "./load";
import type { Trend } from "./target";

/** What the autoscaler of one pool remembers from tick to tick; JSON-clean. */
export interface ScaleState {
  load: LoadMemory;
  trends: Record<"primary" | "canary", Trend>;
  /** The last change of what serves, for people; null: there was none. */
  last: { from: number; to: number; reason: string; at: number } | null;
}
