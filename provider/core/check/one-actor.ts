import type { ServeEvent } from "../events";
import { violation, type Violation } from "./step";

/**
 * One actor at a time leaves a log without gaps in which the epoch never falls and one rollout is over before the next
 * begins. Judges the log's order, not the world.
 */
export function oneActor(events: readonly ServeEvent[]): Violation[] {
  return [...gaps(events), ...overlaps(events)].sort((a, b) => a.seq - b.seq);
}

function gaps(events: readonly ServeEvent[]): Violation[] {
  return events.slice(1).flatMap((event, index) => {
    const previous = events[index]!;
    if (event.seq !== previous.seq + 1) {
      return [violation("oneActor", event, `Event ${previous.seq} is followed by ${event.seq}: the log has a gap.`)];
    }
    if (event.epoch < previous.epoch) {
      return [
        violation(
          "oneActor",
          event,
          `Epoch ${event.epoch} wrote after epoch ${previous.epoch} had taken over: two processes acted.`,
        ),
      ];
    }
    return [];
  });
}

function overlaps(events: readonly ServeEvent[]): Violation[] {
  let open: number | null = null;
  return events.flatMap((event) => {
    if (event.kind === "rolloutEnded") open = null;
    if (event.kind !== "rolloutStarted") return [];
    const other = open;
    open = event.rollout;
    if (other === null) return [];
    return [violation("oneActor", event, `Rollout ${event.rollout} began before rollout ${other} had ended.`)];
  });
}
