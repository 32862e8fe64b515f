/** One state that a surge plan visits. Weights are integers in the ratio canary : primary, never percents. */
export interface PlanState {
  kind: "start" | "up" | "tighten" | "shift" | "down";
  /** Nominal percent that the step belongs to. */
  percent: number;
  pools: Record<string, { canary: number; primary: number }>;
  weights: { canary: number; primary: number };
}
