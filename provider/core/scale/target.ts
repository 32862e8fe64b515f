import type { Shape } from "../spec/shape";
import type { Load } from "./load";
import { scheduledNow } from "./schedule";
import { bounded, type ScalingSpec } from "./spec";
import { wishOf, type Wish } from "./wish";

/** Since when more, or fewer, replicas are wished for than there are to be; null: they are not. */
export interface Trend {
  above: number | null;
  below: number | null;
}

export const STEADY: Trend = { above: null, below: null };

export interface ScalingQuestion {
  scaling: ScalingSpec;
  /** Null: the load could not be seen, so that only the bounds decide. */
  load: Load | null;
  live: number;
  /** Machines of those that run or are on their way; absent: all are alike. */
  shapes?: readonly Shape[];
  /** Fewest that something else than the load needs: a rollout, of each of its versions. */
  floor: number;
  trend: Trend;
  now: number;
}

export interface Target {
  replicas: number;
  trend: Trend;
  /** A sentence for the event log; null: nothing changes. */
  reason: string | null;
}

/**
 * How many replicas the pool is to have now. What the load asks for counts when it has asked for it without a break for
 * the whole delay: by the clock and not by the number of looks, so that a slow or a new agent changes nothing. Bounds and
 * schedules count at once, and so does a request to a pool that has nobody. Nobody goes before a whole window was seen.
 */
export function targetNow({ scaling, load, live, shapes = [], floor, trend, now }: ScalingQuestion): Target {
  const least = leastNow(scaling, floor, now);
  const bounds = { min: least.replicas, max: scaling.max };
  const within = bounded(live, bounds);
  if (within !== live) {
    const why = live > within ? `max is ${scaling.max}` : least.reason;
    return { replicas: within, trend: STEADY, reason: `${why}.` };
  }
  const wish = load === null ? null : wishOf(scaling, load, live, shapes);
  if (wish === null) return { replicas: live, trend, reason: null };
  const wanted = bounded(wish.replicas, bounds);
  if (wanted > live) return moreOf(scaling, { live, wanted, wish }, trend, now);
  if (wanted < live && !load?.partial) return fewerOf(scaling, { live, wanted, wish }, trend, now);
  return { replicas: live, trend: isSteady(trend) ? trend : STEADY, reason: null };
}

function leastNow({ min, max, schedules }: ScalingSpec, floor: number, now: number): Wish {
  const scheduled = scheduledNow(schedules, now);
  const most = Math.max(min, scheduled?.min ?? 0, floor);
  if (most === min) return { replicas: min, reason: `min is ${min}` };
  const { cron, timeZone } = scheduled ?? {};
  const reason =
    most === scheduled?.min
      ? `the schedule "${cron}" (${timeZone}) keeps ${most}`
      : `a rollout in progress keeps ${most} of each version`;
  return { replicas: Math.min(max, most), reason };
}

interface Change {
  live: number;
  wanted: number;
  wish: Wish;
}

function moreOf(scaling: ScalingSpec, { live, wanted, wish }: Change, trend: Trend, now: number): Target {
  if (live === 0) return { replicas: wanted, trend: STEADY, reason: `${wish.reason}, and nobody is there.` };
  const { upscaleDelaySeconds, maxStepUpPercent } = scaling;
  const since = begun(trend.above, now);
  if (now - since < upscaleDelaySeconds * 1000)
    return { replicas: live, trend: sameTrend(trend, since, null), reason: null };
  const most = maxStepUpPercent === null ? wanted : live + Math.max(1, Math.floor((live * maxStepUpPercent) / 100));
  return { replicas: Math.min(wanted, most), trend: STEADY, reason: sentence(wish, "more", upscaleDelaySeconds) };
}

function fewerOf(scaling: ScalingSpec, { live, wanted, wish }: Change, trend: Trend, now: number): Target {
  const { downscaleDelaySeconds, maxStepDown } = scaling;
  const since = begun(trend.below, now);
  if (now - since < downscaleDelaySeconds * 1000)
    return { replicas: live, trend: sameTrend(trend, null, since), reason: null };
  const fewest = maxStepDown === null ? wanted : live - maxStepDown;
  return { replicas: Math.max(wanted, fewest), trend: STEADY, reason: sentence(wish, "fewer", downscaleDelaySeconds) };
}

/** A clock that was put back must not make the delay longer than it is. */
function begun(since: number | null, now: number): number {
  return Math.min(since ?? now, now);
}

function sameTrend(trend: Trend, above: number | null, below: number | null): Trend {
  return trend.above === above && trend.below === below ? trend : { above, below };
}

function isSteady({ above, below }: Trend): boolean {
  return above === null && below === null;
}

function sentence({ reason }: Wish, what: "more" | "fewer", delaySeconds: number): string {
  return `${reason}: ${what} are needed for ${delaySeconds} s.`;
}
