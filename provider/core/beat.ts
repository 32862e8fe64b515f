/** What is done again and again at rest is done at the same moments, by the clock on the wall: one waking for all of it. */
const BEAT_MS = 250;
/** What has a second or more to wait is done at full seconds: a waking alone costs more than most of what it is for. */
const SLOW_BEAT_MS = 1_000;
/** More than this at one moment would hold up what comes just then: they are spread over the beats of a second. */
const CROWD = 50;

/**
 * Milliseconds to wait, moved to the nearest beat; what is to be sooner than the next one stays as it is.
 *
 * @param crowd how many do the same at this pace
 */
export function toBeat(now: number, wait: number, crowd = 1): number {
  if (wait < BEAT_MS) return wait;
  const beat = wait < SLOW_BEAT_MS || crowd > CROWD ? BEAT_MS : SLOW_BEAT_MS;
  return Math.round((now + wait) / beat) * beat - now;
}
