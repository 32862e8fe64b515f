/** What is done again and again at rest is done at the same moments, by the clock on the wall: one waking for all of it. */
const BEAT_MS = 250;

/** Milliseconds to wait, moved to the nearest beat; what is to be sooner than the next one stays as it is. */
export function toBeat(now: number, wait: number): number {
  if (wait < BEAT_MS) return wait;
  return Math.round((now + wait) / BEAT_MS) * BEAT_MS - now;
}
