import { versionSummary, type VersionSummary } from "../../core/gate/summary";
import type { State } from "../../core/state";
import type { DataPlaneReport } from "../../ports/dataplane";
import { versionOfSide } from "./version";

/** What one version of one pool did since the balancer started. */
export interface TrafficView extends VersionSummary {
  pool: string;
  side: "primary" | "canary";
  version: number | null;
  revision: string;
}

/** Versions that serve or are being rolled out, and were asked for anything. */
export function trafficOf(state: State, dataplane: DataPlaneReport | null): TrafficView[] {
  return Object.entries(state.pools).flatMap(([pool, specs]) =>
    (["primary", "canary"] as const).flatMap((side) => {
      const revision = specs[side]?.revision;
      const metrics = revision === undefined ? undefined : dataplane?.versions[pool]?.[revision];
      if (revision === undefined || metrics === undefined || metrics.requests === 0) return [];
      return [{ pool, side, version: versionOfSide(state, side), revision, ...versionSummary(metrics) }];
    }),
  );
}
