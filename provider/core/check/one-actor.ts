import type { ServeEvent } from "../events";
import { violation, type Violation } from "./step";

/** One actor at a time leaves a log without gaps in which the epoch never falls. Judges the log's order, not the world. */
export function oneActor(events: readonly ServeEvent[]): Violation[] {
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
