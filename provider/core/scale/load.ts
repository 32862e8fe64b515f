import { percentile, sum } from "../gate/judge";
import type { PoolLoad, VersionMetrics } from "../observed";

/** What an autoscaler remembers of a pool's load. Kept in the state, so that a new agent goes on where the old one was. */
export interface LoadMemory {
  /** Oldest first, over the window and one before it. */
  samples: LoadSample[];
  /** The engine's own count when last looked at: a smaller one tells that it started anew. */
  counted: number;
  slowness: Slowness | null;
}

interface LoadSample {
  at: number;
  /** Requests that ever came, over all engines. */
  arrivals: number;
  /** In flight and queued. */
  busy: number;
}

/** Percentiles of one window after the other. */
interface Slowness {
  since: number;
  latency: number[];
  timeToFirstByte: number[];
  /** Of the window before; null: nothing was answered in it. */
  last: { latencyP95Ms: number | null; firstByteP95Ms: number | null } | null;
}

/** The load as it is decided by. */
export interface Load {
  qps: number;
  /** In flight and queued: now, and its mean over the window. */
  busy: number;
  meanBusy: number;
  latencyP95Ms: number | null;
  firstByteP95Ms: number | null;
  /** It has not been looked at for a whole window yet: there may be more than was seen. */
  partial?: true;
}

export const NO_LOAD: LoadMemory = { samples: [], counted: 0, slowness: null };

/** A window is as exact as this: finer samples would be written down, one state each, for nothing. */
const SAMPLES_PER_WINDOW = 12;

/** The memory after one more look; the very same one as long as it is too soon for another sample. */
export function noteLoad(
  memory: LoadMemory,
  seen: { pool: PoolLoad; versions: readonly VersionMetrics[] | null },
  windowSeconds: number,
  now: number,
): LoadMemory {
  const last = memory.samples.at(-1);
  // A clock that was put back would make every sample one of the future.
  if (last !== undefined && last.at > now) return noteLoad(NO_LOAD, seen, windowSeconds, now);
  const windowMs = windowSeconds * 1000;
  if (last !== undefined && now - last.at < windowMs / SAMPLES_PER_WINDOW) return memory;
  const { arrivals, inFlight, queued } = seen.pool;
  const sample = { at: now, arrivals: arrivalsNow(memory, arrivals), busy: inFlight + queued };
  const samples = [...memory.samples, sample];
  // The newest of those that are older than the window is where it begins.
  const begin = samples.findLastIndex(({ at }) => at <= now - windowMs);
  return {
    samples: samples.slice(Math.max(0, begin)),
    counted: arrivals,
    slowness: seen.versions === null ? null : followSlowness(memory.slowness, seen.versions, windowMs, now),
  };
}

/** What the memory and the present look say. A gap in the looks is averaged over, so that what came in it is no burst. */
export function loadNow(
  memory: LoadMemory,
  { arrivals, inFlight, queued }: PoolLoad,
  windowSeconds: number,
  now: number,
): Load {
  const windowMs = windowSeconds * 1000;
  const whole = memory.samples.findLast(({ at }) => at <= now - windowMs);
  const begin = whole ?? memory.samples[0];
  const came = begin === undefined ? 0 : arrivalsNow(memory, arrivals) - begin.arrivals;
  const elapsed = begin === undefined ? windowMs : Math.max(windowMs, now - begin.at);
  const busy = inFlight + queued;
  const readings = [...memory.samples.filter(({ at }) => at > now - windowMs).map((sample) => sample.busy), busy];
  const { latencyP95Ms = null, firstByteP95Ms = null } = memory.slowness?.last ?? {};
  return {
    qps: (1000 * came) / elapsed,
    busy,
    meanBusy: readings.reduce((total, each) => total + each, 0) / readings.length,
    latencyP95Ms,
    firstByteP95Ms,
    ...(whole === undefined && { partial: true as const }),
  };
}

function arrivalsNow({ samples, counted }: LoadMemory, arrivals: number): number {
  const last = samples.at(-1);
  // What came before the first look says nothing of when.
  if (last === undefined) return 0;
  return last.arrivals + (arrivals >= counted ? arrivals - counted : arrivals);
}

function followSlowness(
  before: Slowness | null,
  versions: readonly VersionMetrics[],
  windowMs: number,
  now: number,
): Slowness {
  const latency = added(versions.map((each) => each.latency));
  const timeToFirstByte = added(versions.map((each) => each.timeToFirstByte));
  const fell =
    before !== null && (sum(latency) < sum(before.latency) || sum(timeToFirstByte) < sum(before.timeToFirstByte));
  if (before === null || fell || before.since > now) {
    return { since: now, latency, timeToFirstByte, last: before?.last ?? null };
  }
  if (now - before.since < windowMs) return before;
  const last = {
    latencyP95Ms: percentile(less(latency, before.latency), 95),
    firstByteP95Ms: percentile(less(timeToFirstByte, before.timeToFirstByte), 95),
  };
  return { since: now, latency, timeToFirstByte, last };
}

function added(histograms: readonly (readonly number[])[]): number[] {
  const total: number[] = [];
  for (const histogram of histograms) {
    for (const [bucket, counted] of histogram.entries()) total[bucket] = (total[bucket] ?? 0) + counted;
  }
  return total;
}

/** A version that the engine forgot takes its counts with it: never less than nothing. */
function less(now: readonly number[], before: readonly number[]): number[] {
  return now.map((counted, bucket) => Math.max(0, counted - (before[bucket] ?? 0)));
}
