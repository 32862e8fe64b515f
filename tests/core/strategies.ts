import type { Strategy, StrategyCommon } from "../../provider/core/strategy";

/** Every default of a program that says nothing about its strategy. */
export const COMMON: StrategyCommon = {
  timeoutSeconds: 7200,
  stepTimeoutSeconds: null,
  capacityWaitSeconds: 1800,
  bakeSeconds: 0,
  gates: [],
  rollback: { mode: "safe" },
  keepRevisions: 3,
};

export function surge(maxSurgePercent = 25, more: Partial<StrategyCommon> & { canaryPercent?: number } = {}): Strategy {
  return { ...COMMON, kind: "surge", maxSurgePercent, canaryPercent: null, ...more };
}
