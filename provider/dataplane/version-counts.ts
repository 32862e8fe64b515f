import { VERSION_BOUNDS_MS, type ObservedDataPlane, type VersionMetrics } from "../core/observed";
import type { DesiredRouting } from "../core/routing";
import type { Revision } from "../core/spec/pool";
import { emptyHistogram } from "./metrics";

/** A revision that left the routing is remembered for this long: a bake with no primary still compares with it. */
const KEEP_MS = 60 * 60 * 1000;
/** However often somebody rolls out within that time, at most so many of one pool. */
const KEEP_PER_POOL = 20;

interface Counted {
  metrics: VersionMetrics;
  /** Null while it is routed. */
  leftAt: number | null;
}

/**
 * What every version of every pool has answered since the engine started. It belongs to the version, not to its members:
 * these come and go with the steps of a rollout, and a gate must see the requests of all of them.
 */
export class VersionCounts {
  private readonly pools = new Map<string, Map<Revision, Counted>>();

  of(pool: string, revision: Revision): VersionMetrics {
    const versions = this.pools.get(pool) ?? new Map<Revision, Counted>();
    this.pools.set(pool, versions);
    const counted = versions.get(revision) ?? { metrics: nothingCounted(), leftAt: null };
    versions.set(revision, counted);
    return counted.metrics;
  }

  /** What another process has counted between two of its reports. */
  add(now: ObservedDataPlane["versions"], before: ObservedDataPlane["versions"]): void {
    for (const [pool, versions] of Object.entries(now)) {
      for (const [revision, counted] of Object.entries(versions)) {
        const known = before[pool]?.[revision];
        // A fall: it has forgotten this one, and began anew.
        const since = known !== undefined && known.requests <= counted.requests ? known : nothingCounted();
        addDifference(this.of(pool, revision), counted, since);
      }
    }
  }

  /** Notes which versions are routed from now on, and forgets those that have not been for long. */
  set(routes: DesiredRouting["routes"], now: number): void {
    for (const [pool, versions] of this.pools) {
      const route = routes.find((each) => each.pool === pool);
      for (const [revision, counted] of versions) {
        const routed = route?.primary?.revision === revision || route?.canary?.revision === revision;
        counted.leftAt = routed ? null : (counted.leftAt ?? now);
      }
      const left = [...versions].flatMap(([revision, { leftAt }]) => (leftAt === null ? [] : [{ revision, leftAt }]));
      const newestFirst = left.sort((a, b) => b.leftAt - a.leftAt);
      for (const [place, { revision, leftAt }] of newestFirst.entries()) {
        if (place >= KEEP_PER_POOL || now - leftAt > KEEP_MS) versions.delete(revision);
      }
      if (versions.size === 0) this.pools.delete(pool);
    }
  }

  report(): ObservedDataPlane["versions"] {
    const report: ObservedDataPlane["versions"] = {};
    for (const [pool, versions] of this.pools) {
      const counts: Record<Revision, VersionMetrics> = (report[pool] = {});
      for (const [revision, { metrics }] of versions) counts[revision] = structuredClone(metrics);
    }
    return report;
  }
}

function addDifference(to: VersionMetrics, now: VersionMetrics, before: VersionMetrics): void {
  to.requests += now.requests - before.requests;
  to.errors += now.errors - before.errors;
  const failedTries = (now.failedTries ?? 0) - (before.failedTries ?? 0);
  if (failedTries > 0) countFailedTries(to, failedTries);
  now.latency.forEach((value, at) => (to.latency[at]! += value - before.latency[at]!));
  now.timeToFirstByte.forEach((value, at) => (to.timeToFirstByte[at]! += value - before.timeToFirstByte[at]!));
}

function nothingCounted(): VersionMetrics {
  const buckets = VERSION_BOUNDS_MS.length;
  return { requests: 0, errors: 0, latency: emptyHistogram(buckets), timeToFirstByte: emptyHistogram(buckets) };
}

/** A request that had a response, whole or not, or failed at every replica that it was given to. */
export function countRequest(metrics: VersionMetrics, outcome: "answered" | "failed", milliseconds: number): void {
  metrics.requests += 1;
  if (outcome === "failed") metrics.errors += 1;
  metrics.latency[bucketOf(milliseconds)]! += 1;
}

export function countFailedTries(metrics: VersionMetrics, tries: number): void {
  metrics.failedTries = (metrics.failedTries ?? 0) + tries;
}

export function countFirstByte(metrics: VersionMetrics, milliseconds: number): void {
  metrics.timeToFirstByte[bucketOf(milliseconds)]! += 1;
}

/** The first bound that is not exceeded. Halving: a walk over all of them would cost a slow request more than a fast one. */
function bucketOf(milliseconds: number): number {
  let low = 0;
  let high = VERSION_BOUNDS_MS.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (milliseconds > VERSION_BOUNDS_MS[middle]!) low = middle + 1;
    else high = middle;
  }
  return low;
}
