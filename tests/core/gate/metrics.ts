import { VERSION_BOUNDS_MS, type VersionMetrics } from "../../../provider/core/observed";

/** Metrics of a version that answered `requests`, `errors` of them badly, each within `milliseconds`. */
export function metrics(requests: number, { errors = 0, failedTries = 0, milliseconds = 50 } = {}): VersionMetrics {
  const histogram = histogramOf({ [milliseconds]: requests });
  return { requests, errors, failedTries, latency: histogram, timeToFirstByte: [...histogram] };
}

/** How many took how many milliseconds. */
export function histogramOf(counts: Record<number, number>): number[] {
  const histogram = new Array<number>(VERSION_BOUNDS_MS.length + 1).fill(0);
  for (const [milliseconds, count] of Object.entries(counts)) {
    const bucket = VERSION_BOUNDS_MS.findIndex((bound) => Number(milliseconds) <= bound);
    histogram[bucket === -1 ? VERSION_BOUNDS_MS.length : bucket]! += count;
  }
  return histogram;
}
