import type { ServeEvent } from "../../provider/core/events";

/** One line for each event that a spectator wants to see; null for the rest. */
export function narrate(event: ServeEvent): string | null {
  switch (event.kind) {
    case "rolloutStarted":
      return `rollout to version ${event.version} begins: at most ${sum(event.cap)} replicas, ${event.strategy}`;
    case "rolloutStep": {
      const { kind, percent, pools, weights } = event.state;
      const counts = Object.entries(pools).map(
        ([pool, { canary, primary }]) => `${pool} ${canary} new + ${primary} old`,
      );
      const traffic = `traffic new:old ${weights.canary}:${weights.primary}`;
      return `step ${event.step}/${event.steps}  ${kind.toUpperCase()} ${percent} %  ${counts.join(", ")}  ${traffic}`;
    }
    case "replicaLaunching":
      return `  ${event.replica} is launched`;
    case "replicaReady":
      return `  ${event.replica} is ready after ${event.afterSeconds.toFixed(1)} s`;
    case "replicaNotReady":
      return `  ${event.replica} is not ready: ${event.reason}`;
    case "replicaLost":
      return `  ${event.replica} is lost: ${event.reason}`;
    case "replicaDrained":
      return `  ${event.replica} has drained in ${event.seconds.toFixed(1)} s`;
    case "replicaEnded":
      return `  ${event.replica} has ended`;
    case "rollingBack":
      return `rolling back: ${event.reason}`;
    case "rolloutEnded":
      return `rollout is over: ${event.outcome} after ${event.seconds.toFixed(1)} s`;
    default:
      return null;
  }
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
