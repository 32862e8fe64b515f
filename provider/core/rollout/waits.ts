import type { RolloutWaits } from "../events";
import type { Strategy } from "../strategy";

/** What the log tells of a strategy's waits, so that it alone proves that they were kept. */
export function waitsOf(strategy: Strategy): RolloutWaits {
  const { gates, bakeSeconds, timeoutSeconds, stepTimeoutSeconds, capacityWaitSeconds } = strategy;
  return { gates: gates.map(({ kind }) => kind), bakeSeconds, timeoutSeconds, stepTimeoutSeconds, capacityWaitSeconds };
}
