import type { DataPlaneReport } from "../ports/dataplane";
import { addMetrics } from "./metrics";

/** What the engine that serves tells, with what those before it have counted and still have under way. */
export function together(serving: DataPlaneReport, before: readonly DataPlaneReport[]): DataPlaneReport {
  const report = structuredClone(serving);
  for (const other of before) {
    for (const [id, { inFlight, queued, healthy }] of Object.entries(other.replicas)) {
      const known = report.replicas[id];
      if (known !== undefined) {
        known.inFlight += inFlight;
        known.queued += queued;
      } else if (inFlight > 0) report.replicas[id] = { inFlight, queued, healthy };
    }
    for (const [id, metrics] of Object.entries(other.metrics)) {
      const known = report.metrics[id];
      if (known !== undefined) addMetrics(known, metrics);
    }
    for (const [prefix, route] of Object.entries(other.routes)) {
      const known = report.routes[prefix];
      if (known === undefined) continue;
      known.queued += route.queued;
      known.rejected += route.rejected;
      known.firstAttempts.primary += route.firstAttempts.primary;
      known.firstAttempts.canary += route.firstAttempts.canary;
    }
    for (const [pool, load] of Object.entries(other.pools ?? {})) {
      const known = report.pools?.[pool];
      if (known === undefined) continue;
      known.arrivals += load.arrivals;
      known.inFlight += load.inFlight;
      known.queued += load.queued;
    }
  }
  return report;
}
