import type { Invariant, ServeEvent } from "../events";
import { isLeaving } from "./moves";
import { Replay, worldAfter, type World } from "./world";

/**
 * One tick of the controller as the log shows it. A tick is decided and journalled whole, so invariants judge it whole:
 * the order of the events inside one carries no meaning but where an operator's word comes between them.
 */
export interface Step {
  before: World;
  events: readonly ServeEvent[];
  /** With every event but our own moves applied: what we faced when we decided. */
  faced: World;
  after: World;
}

export interface Violation {
  invariant: Invariant;
  seq: number;
  at: number;
  /** What was done, and which number it broke. */
  sentence: string;
}

/** Judges one tick. Reports only what an action of ours did; what the world did may break any number. */
export type InvariantCheck = (step: Step) => Violation[];

/** Events of one tick share its time and its epoch. */
export function stepsOf(events: readonly ServeEvent[], start: World): Step[] {
  const steps: Step[] = [];
  let before = start;
  let from = 0;
  for (let to = 1; to <= events.length; to += 1) {
    if (to < events.length && sameTick(events[from]!, events[to]!)) continue;
    const tick = events.slice(from, to);
    const after = worldAfter(before, tick);
    steps.push({
      before,
      events: tick,
      faced: tick.every(isWorlds) ? after : worldAfter(before, tick.filter(isWorlds)),
      after,
    });
    before = after;
    from = to;
  }
  return steps;
}

export function violation(invariant: Invariant, event: ServeEvent, sentence: string): Violation {
  return { invariant, seq: event.seq, at: event.at, sentence };
}

/** A tick event by event, each with the world just before it: for what depends on the order inside the tick. */
export function inOrder(
  { before, events }: Step,
  judge: (event: ServeEvent, world: World) => Violation[],
): Violation[] {
  const replay = new Replay(before);
  return events.flatMap((event) => {
    const found = judge(event, replay.world);
    replay.take(event);
    return found;
  });
}

function sameTick(a: ServeEvent, b: ServeEvent): boolean {
  return a.at === b.at && a.epoch === b.epoch;
}

function isWorlds(event: ServeEvent): boolean {
  return event.kind !== "routed" && !isLeaving(event);
}
