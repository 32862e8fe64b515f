import type { Strategy } from "../strategy";

type Holding = Extract<Strategy, { kind: "surge" }> & { canaryPercent: number };

/** It stops at a split and waits there for the operator, and for the same reason never goes back by itself. */
export function holds(strategy: Strategy): strategy is Holding {
  return strategy.kind === "surge" && strategy.canaryPercent !== null && strategy.canaryPercent < 100;
}

export function canaryPercentOf(strategy: Strategy): number | null {
  return strategy.kind === "surge" ? strategy.canaryPercent : null;
}
