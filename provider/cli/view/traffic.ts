import { VERSION_BOUNDS_MS, type VersionMetrics } from "../../core/observed";
import type { State } from "../../core/state";
import type { DataPlaneReport } from "../../ports/dataplane";
import { versionOfSide } from "./version";

/** What one version of one pool did since the balancer started. */
export interface TrafficView {
  pool: string;
  side: "primary" | "canary";
  version: number | null;
  revision: string;
  requests: number;
  errorPercent: number;
  /** Upper bound of the bucket that the value is in; null: above the last bound. */
  p95Milliseconds: number | null;
}

/** Versions that serve or are being rolled out, and were asked for anything. */
export function trafficOf(state: State, dataplane: DataPlaneReport | null): TrafficView[] {
  return Object.entries(state.pools).flatMap(([pool, specs]) =>
    (["primary", "canary"] as const).flatMap((side) => {
      const revision = specs[side]?.revision;
      const metrics = revision === undefined ? undefined : dataplane?.versions[pool]?.[revision];
      if (revision === undefined || metrics === undefined || metrics.requests === 0) return [];
      return [{ pool, side, version: versionOfSide(state, side), revision, ...summary(metrics) }];
    }),
  );
}

function summary({ requests, errors, latency }: VersionMetrics) {
  return { requests, errorPercent: (100 * errors) / requests, p95Milliseconds: p95(latency) };
}

function p95(counts: readonly number[]): number | null {
  const rank = Math.ceil(0.95 * counts.reduce((sum, count) => sum + count, 0));
  let seen = 0;
  const bucket = counts.findIndex((count) => (seen += count) >= rank);
  return VERSION_BOUNDS_MS[bucket] ?? null;
}
