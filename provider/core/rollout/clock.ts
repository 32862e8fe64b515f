import type { RolloutProgress, StoppedClock } from "../state";

export const RUNNING: StoppedClock = { totalMs: 0, stepMs: 0, since: null };

/** Time that counts against the total timeout: holds, pauses and capacity waits are left out (A19). */
export function runningMs({ startedAt, stopped }: RolloutProgress, now: number): number {
  return Math.max(0, now - startedAt - stopped.totalMs - standing(stopped, startedAt, now));
}

/** The same for the state at the cursor. */
export function stepRunningMs({ cursorSince, stopped }: RolloutProgress, now: number): number {
  return Math.max(0, now - cursorSince - stopped.stepMs - standing(stopped, cursorSince, now));
}

/** The clock after it was told whether it runs now; the very same one when nothing changes. */
export function runOrStop(rollout: RolloutProgress, now: number, runs: boolean): StoppedClock {
  const { stopped } = rollout;
  if (runs === (stopped.since === null)) return stopped;
  if (stopped.since === null) return { ...stopped, since: now };
  return { ...leaveOut(rollout, stopped.since, now), since: null };
}

/** The clock as if it had stood still from `since` until now. */
export function leaveOut({ stopped, cursorSince }: RolloutProgress, since: number, now: number): StoppedClock {
  return {
    ...stopped,
    totalMs: stopped.totalMs + Math.max(0, now - since),
    stepMs: stopped.stepMs + Math.max(0, now - Math.max(since, cursorSince)),
  };
}

/** How long the present stop has lasted within what began at `from`. */
function standing({ since }: StoppedClock, from: number, now: number): number {
  return since === null ? 0 : Math.max(0, now - Math.max(since, from));
}
