import type { ServeEvent } from "../../provider/core/events";

export interface RolloutTimes {
  rolloutSeconds: number;
  criticalPathSeconds: number;
  waves: { launches: number; bootSeconds: number; longestDrainSeconds: number }[];
}

/**
 * The least time that the last rollout of this log could have taken. A wave is everything from the launches of one UP to
 * the last drain before the next one; its part of the path is
 *
 *   boot           the boot time that the cloud was told to take, and not a millisecond for the program's own start,
 *                  for probes or for anything that we do, so that all of that counts against us; plus
 *   longest drain  the longest time from `replicaDraining` to `replicaDrained` within the wave, but never more than the
 *                  longest response that any client asks for, so that a slow drain cannot excuse itself.
 */
export function rolloutTimes(
  events: readonly ServeEvent[],
  bootSeconds: number,
  longestResponse: number,
): RolloutTimes {
  const from = events.findLastIndex(({ kind }) => kind === "rolloutStarted");
  const to = events.findIndex(({ kind }, index) => index > from && kind === "rolloutEnded");
  if (from < 0 || to < 0) throw new Error("the event log holds no rollout that has ended");

  const waves: RolloutTimes["waves"] = [];
  const drainingSince = new Map<string, number>();
  let waveIsOpen = false;
  for (const event of events.slice(from, to)) {
    const wave = waves.at(-1);
    switch (event.kind) {
      case "rolloutStep":
        // Launches after this belong to another wave, unless it is the repair of this one.
        if (event.state.kind === "up") waveIsOpen = false;
        break;
      case "replicaLaunching":
        if (wave !== undefined && waveIsOpen) wave.launches++;
        else waves.push({ launches: 1, bootSeconds, longestDrainSeconds: 0 });
        waveIsOpen = true;
        break;
      case "replicaDraining":
        drainingSince.set(event.replica, event.at);
        break;
      case "replicaDrained": {
        const seconds = (event.at - (drainingSince.get(event.replica) ?? event.at)) / 1000;
        if (wave !== undefined) {
          wave.longestDrainSeconds = Math.max(wave.longestDrainSeconds, Math.min(seconds, longestResponse));
        }
        break;
      }
      default:
        break;
    }
  }
  return {
    rolloutSeconds: (events[to]!.at - events[from]!.at) / 1000,
    criticalPathSeconds: waves.reduce((sum, wave) => sum + wave.bootSeconds + wave.longestDrainSeconds, 0),
    waves,
  };
}
