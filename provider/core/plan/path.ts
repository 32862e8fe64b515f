import { DEFAULT_SURGE_PERCENT, type Strategy } from "../strategy";
import { planBlueGreen } from "./blue-green";
import { mirrorBegin, mirrorPath, mirrorPools } from "./mirror";
import { planWaves } from "./rolling";
import type { Begin, Path, PlannedPool } from "./states";
import { planSurge, planSurgeReturn } from "./surge";

export type { Begin } from "./states";

/** Forward: from the start, or from `begin`, to the strategy's end (canaryPercent or 100). */
export function planPath(strategy: Strategy, pools: readonly PlannedPool[], begin?: Begin): Path {
  switch (strategy.kind) {
    case "surge": {
      const { maxSurgePercent, canaryPercent } = strategy;
      return planSurge({ pools, maxSurgePercent, endPercent: canaryPercent ?? 100, ...(begin && { begin }) });
    }
    case "blueGreen":
      return planBlueGreen(pools, begin);
    case "rolling":
    case "inPlace":
      return planWaves(strategy, pools, begin);
  }
}

/**
 * The way back to the primary alone: gradual by its own surge, or a rolling strategy's waves the other way round. States
 * in the same terms (canary, primary), canary traffic falling; nothing waits on the way, so none of them is settled.
 */
export function planReturn(request: {
  strategy: Strategy;
  maxSurgePercent: number | null;
  pools: readonly PlannedPool[];
  begin: Begin;
}): Path {
  const { strategy, pools, begin } = request;
  switch (strategy.kind) {
    case "surge":
      return planSurgeReturn({ pools, begin, maxSurgePercent: request.maxSurgePercent ?? strategy.maxSurgePercent });
    case "blueGreen":
      return planSurgeReturn({ pools, begin, maxSurgePercent: request.maxSurgePercent ?? DEFAULT_SURGE_PERCENT });
    case "rolling":
    case "inPlace":
      return mirrorPath(planWaves(strategy, mirrorPools(pools), mirrorBegin(begin)));
  }
}

/** Most percentage points by which the canary's traffic may grow in one step: the surge; 100 where it has none. */
export function maxShiftPercent(strategy: Strategy): number {
  return strategy.kind === "surge" ? strategy.maxSurgePercent : 100;
}
