import type { ServeEvent } from "../events";
import type { WorldRollout } from "./rollout";
import { violation, type InvariantCheck, type Step, type Violation } from "./step";
import { Replay } from "./world";

/**
 * What waits is left only by the word that ends it: a pause by resume, promote or abort, a declared hold by promote or
 * another plan, a failed gate by a forced promote. And an abort turns the rollout in the tick that obeys it, whatever
 * else was asked for. The one invariant for which the order inside a tick counts: a step before the word is no breach.
 */
export const holds: InvariantCheck = (step) => [...stepsTaken(step), ...abortsIgnored(step)];

function stepsTaken({ before, events }: Step): Violation[] {
  if (!events.some(({ kind }) => kind === "rolloutStep")) return [];
  const replay = new Replay(before);
  return events.flatMap((event) => {
    const { rollout } = replay.world;
    replay.take(event);
    if (event.kind !== "rolloutStep" || rollout === null) return [];
    const why = waitOf(rollout);
    return why === null ? [] : [violation("holds", event, `Step ${event.step} of rollout ${rollout.id} ${why}.`)];
  });
}

function waitOf({ direction, waits }: WorldRollout): string | null {
  // A way back waits for nothing: something is wrong already.
  if (direction === "back") return null;
  if (waits.paused) return "followed while it was paused";
  if (waits.gateFailedAt !== null) return `followed although a gate had failed at ${waits.gateFailedAt} %`;
  return waits.heldAt === null ? null : `left the hold at ${waits.heldAt} % without a word`;
}

function abortsIgnored({ before, events, after }: Step): Violation[] {
  const { rollout } = before;
  const abort = events.find((event) => event.kind === "commandObeyed" && isAbort(event));
  if (rollout === null || abort === undefined) return [];
  const end = events.find((event) => event.kind === "rolloutEnded" && event.rollout === rollout.id);
  const promoted = end?.kind === "rolloutEnded" && end.outcome === "promoted";
  const forward = after.rollout?.id === rollout.id && after.rollout.direction === "forward";
  return promoted || forward
    ? [violation("holds", abort, `Rollout ${rollout.id} went on in the tick in which an operator aborted it.`)]
    : [];
}

function isAbort({ verb }: Extract<ServeEvent, { kind: "commandObeyed" }>): boolean {
  return verb === "abort" || verb === "rollback";
}
