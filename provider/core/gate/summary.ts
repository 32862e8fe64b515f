import type { VersionMetrics } from "../observed";
import { errorPercent, percentile } from "./judge";

/** One version's numbers since the balancer started, for people. Null: nothing was counted. */
export interface VersionSummary {
  requests: number;
  errorPercent: number | null;
  p95Milliseconds: number | null;
  firstByteP95Milliseconds: number | null;
}

export function versionSummary(metrics: VersionMetrics): VersionSummary {
  return {
    requests: metrics.requests,
    errorPercent: errorPercent(metrics),
    p95Milliseconds: percentile(metrics.latency, 95),
    firstByteP95Milliseconds: percentile(metrics.timeToFirstByte, 95),
  };
}
