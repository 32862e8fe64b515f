import { sameJson } from "../digest";
import type { Strategy } from "../strategy";

/**
 * The strategy of a rollout under way with what of the declared one may change meanwhile. Its kind and its numbers are the
 * plan, which is frozen until it ends. The very same one when nothing changes.
 */
export function withLiveParts(running: Strategy, declared: Strategy): Strategy {
  const { timeoutSeconds, stepTimeoutSeconds, capacityWaitSeconds, bakeSeconds, gates, rollback, keepRevisions } =
    declared;
  const parts = {
    timeoutSeconds,
    stepTimeoutSeconds,
    capacityWaitSeconds,
    bakeSeconds,
    gates,
    rollback,
    keepRevisions,
  };
  const followed = { ...running, ...parts };
  return sameJson(followed, running) ? running : followed;
}

/** What a rollout under way does not take over of the declared strategy, in words; null: it takes over all. */
export function frozenDifference(running: Strategy, declared: Strategy): string | null {
  const [goesOn, counts] = [frozenWords(running), frozenWords(declared)];
  if (goesOn === counts) return null;
  return `it goes on by ${goesOn} until it ends; ${counts} counts from the next rollout on`;
}

function frozenWords(strategy: Strategy): string {
  switch (strategy.kind) {
    case "surge":
      return `a surge of ${strategy.maxSurgePercent} %`;
    case "blueGreen":
      return "blueGreen";
    case "rolling": {
      const outage = strategy.allowOutage ? ", with an outage" : "";
      return `rolling ${strategy.maxUnavailablePercent} % at once, ${strategy.order}${outage}`;
    }
    case "inPlace": {
      const outage = strategy.allowOutage ? ", with an outage" : "";
      return `restarting ${strategy.maxUnavailablePercent} % at once in place${outage}`;
    }
  }
}
