import { LATENCY_BOUNDS_MS, type ReplicaMetrics } from "../ports/dataplane";

export function emptyMetrics(): ReplicaMetrics {
  return {
    attempts: 0,
    completed: 0,
    errors: 0,
    truncated: 0,
    retries: 0,
    latency: emptyHistogram(LATENCY_BOUNDS_MS.length),
    timeToFirstByte: emptyHistogram(LATENCY_BOUNDS_MS.length),
  };
}

/** Adds one reading; both histograms share the bounds, of which the last bucket is "above". */
export function count(histogram: number[], milliseconds: number): void {
  let bucket = 0;
  while (bucket < LATENCY_BOUNDS_MS.length && milliseconds > LATENCY_BOUNDS_MS[bucket]!) bucket += 1;
  histogram[bucket]! += 1;
}

/** A bucket for each bound, and one for what is above. */
export function emptyHistogram(bounds: number): number[] {
  return new Array<number>(bounds + 1).fill(0);
}

export function addMetrics(to: ReplicaMetrics, from: ReplicaMetrics): void {
  to.attempts += from.attempts;
  to.completed += from.completed;
  to.errors += from.errors;
  to.truncated += from.truncated;
  to.retries += from.retries;
  from.latency.forEach((value, at) => (to.latency[at]! += value));
  from.timeToFirstByte.forEach((value, at) => (to.timeToFirstByte[at]! += value));
}
