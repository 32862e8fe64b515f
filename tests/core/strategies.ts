import type { InPlaceStrategy, RollingStrategy, Strategy, StrategyCommon } from "../../provider/core/strategy";

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

export function blueGreen(more: Partial<StrategyCommon> = {}): Strategy {
  return { ...COMMON, kind: "blueGreen", ...more };
}

export function rolling(
  maxUnavailablePercent = 20,
  more: Partial<StrategyCommon & Omit<RollingStrategy, "kind">> = {},
): Strategy {
  return { ...COMMON, kind: "rolling", maxUnavailablePercent, order: "stopFirst", allowOutage: false, ...more };
}

export function inPlace(
  maxUnavailablePercent = 20,
  more: Partial<StrategyCommon & Omit<InPlaceStrategy, "kind">> = {},
): Strategy {
  return { ...COMMON, kind: "inPlace", maxUnavailablePercent, allowOutage: false, ...more };
}
