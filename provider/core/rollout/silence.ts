import { sameJson } from "../digest";
import type { RolloutProgress, State } from "../state";
import { leaveOut } from "./clock";

/** Each note is a write of the state, so there are no more of them than it takes to know when an agent went silent. */
const NOTE_EVERY_MS = 10_000;
/** As long as its lease lasts, a silent agent is a slow one, and its time counts; for longer, it is taken for dead. */
const ALIVE_MS = 10_000;

/**
 * The rollout without the time in which nobody decided anything: the agent was dead, or the computer asleep. A rollout
 * that came to no harm then must not be turned back for it, nor be through with a bake that nobody watched. The very
 * same one while there is nothing to note.
 */
export function withoutSilence(rollout: RolloutProgress, now: number): RolloutProgress {
  const { seenAt = now, stopped, capacity, settledAt, held, paused } = rollout;
  const waits = capacity !== null && !capacity.starved && held === null && paused === null;
  if (stopped.since !== null && !waits) return rollout;
  if (rollout.seenAt !== undefined && now >= seenAt && now - seenAt < NOTE_EVERY_MS) return rollout;
  const silent = seenAt + NOTE_EVERY_MS + ALIVE_MS;
  if (now <= silent) return { ...rollout, seenAt: now };
  const later = (since: number) => since + (now - Math.max(silent, since));
  return {
    ...rollout,
    seenAt: now,
    stopped: stopped.since === null ? leaveOut(rollout, silent, now) : stopped,
    capacity: waits ? { ...capacity, since: later(capacity.since) } : capacity,
    settledAt: settledAt === null ? null : later(settledAt),
  };
}

/** Whether one state differs from the other by no more than the note that somebody looked on. */
export function onlyLookedOn(before: State, { rollout, ...after }: State): boolean {
  if (rollout === null || before.rollout === null || rollout.seenAt === before.rollout.seenAt) return false;
  return sameJson({ ...after, rollout: { ...rollout, seenAt: before.rollout.seenAt } }, before);
}
