import { sameJson } from "../digest";
import type { Draft } from "../draft";
import type { State } from "../state";
import { leaveOut } from "./clock";

/** Each note is a write of the state, so there are no more of them than it takes to know when an agent went silent. */
const NOTE_EVERY_MS = 10_000;
/** As long as its lease lasts, a silent agent is a slow one, and its time counts; for longer, it is taken for dead. */
const ALIVE_MS = 10_000;

/**
 * Takes the time in which nobody decided anything, as the agent was dead or the computer asleep, out of all that counts
 * time. A rollout that came to no harm then must not be turned back for it, nor be through with a bake that nobody
 * watched. A wait that began later than now, as the clock was put back meanwhile, begins now. The log says both, so that
 * it alone proves a bake and a clock.
 */
export function leaveOutSilence(draft: Draft): void {
  const { now } = draft;
  const rollout = draft.state.rollout!;
  const { seenAt, stopped, capacity, settledAt, held, paused } = rollout;
  const waits = capacity !== null && !capacity.starved && held === null && paused === null;
  if (stopped.since !== null && !waits) return;
  if (seenAt !== undefined && now >= seenAt && now - seenAt < NOTE_EVERY_MS) return;
  const from = unwatchedFrom(seenAt ?? now, now);
  if (from === null) {
    draft.state.rollout = { ...rollout, seenAt: now };
    return;
  }
  const later = (since: number) => since + (now - Math.max(from, since));
  draft.state.rollout = {
    ...rollout,
    seenAt: now,
    stopped: stopped.since === null ? leaveOut(rollout, from, now) : stopped,
    capacity: capacity && { ...capacity, since: later(capacity.since) },
    settledAt: settledAt === null ? null : later(settledAt),
  };
  draft.say({ kind: "rolloutUnwatched", rollout: rollout.id, from });
}

/** Null: somebody looked on all the time. */
function unwatchedFrom(seenAt: number, now: number): number | null {
  if (now < seenAt) return now;
  const silent = seenAt + NOTE_EVERY_MS + ALIVE_MS;
  return now > silent ? silent : null;
}

/** Whether one state differs from the other by no more than the note that somebody looked on. */
export function onlyLookedOn(before: State, { rollout, ...after }: State): boolean {
  if (rollout === null || before.rollout === null || rollout.seenAt === before.rollout.seenAt) return false;
  return sameJson({ ...after, rollout: { ...rollout, seenAt: before.rollout.seenAt } }, before);
}
