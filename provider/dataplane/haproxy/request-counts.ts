import type { DesiredReplica, DesiredRouting } from "../../core/routing";
import type { Revision } from "../../core/spec/pool";
import type { ReplicaMetrics, RouteMetrics } from "../../ports/dataplane";
import { count, emptyMetrics } from "../metrics";
import { countFirstByte, countRequest, type VersionCounts } from "../version-counts";
import type { LogLine } from "./log-lines";
import { replicaOfServer } from "./names";

/** What of a route is counted from the log. `others`: for revisions that are no longer routed. */
export type RouteCounts = Pick<RouteMetrics, "rejected"> & { byRevision: Map<Revision, number>; others: number };

/** Counts what HAProxy's log tells, since the supervisor started. What went through the waiting room is counted there. */
export class RequestCounts {
  /** By id and revision: a replica that restarted in place as another revision begins anew. */
  private readonly replicas = new Map<string, Map<Revision, ReplicaMetrics>>();
  private readonly routes = new Map<string, RouteCounts>();

  constructor(private readonly versions: VersionCounts) {}

  /** `pool` by its name; null: no route was found. */
  add(line: LogLine, pool: string | null): void {
    if (pool === null) return;
    const route = this.route(pool);
    const replica = replicaOfServer(line.server);
    if (replica === null) {
      if (line.status === 503 && line.server === "<NOSRV>") route.rejected += 1;
      return;
    }
    const version = this.versions.of(pool, replica.revision);
    const metrics = this.replica(replica.id, replica.revision);
    route.byRevision.set(replica.revision, (route.byRevision.get(replica.revision) ?? 0) + 1);
    if (line.timeToFirstByte !== null) {
      countFirstByte(version, line.timeToFirstByte);
      count(metrics.timeToFirstByte, line.timeToFirstByte);
    }
    if (line.retried) metrics.retries += 1;
    if (line.status === 101 && line.timeToFirstByte !== null) {
      // The handshake is what was answered; how long the two then talked says nothing about the replica's speed.
      countRequest(version, "answered", line.timeToFirstByte);
      metrics.completed += 1;
      count(metrics.latency, line.timeToFirstByte);
      return;
    }
    // Given up by the client: nobody's failure, and nobody waited for its end.
    if (line.endedBy.toUpperCase() === "C") return;
    const whole = line.endedBy === "-";
    countRequest(version, whole && line.status < 500 ? "answered" : "failed", line.latency);
    if (whole) {
      metrics.completed += 1;
      count(metrics.latency, line.latency);
    } else if (line.phase === "D") metrics.truncated += 1;
  }

  /** Forgets replicas, revisions and pools that are no longer spoken of. */
  keep(desired: DesiredRouting): void {
    const known = new Set(everyReplica(desired).map(({ id }) => id));
    for (const id of this.replicas.keys()) if (!known.has(id)) this.replicas.delete(id);
    for (const [pool, counts] of this.routes) {
      const route = desired.routes.find((each) => each.pool === pool);
      if (route === undefined) {
        this.routes.delete(pool);
        continue;
      }
      for (const [revision, answered] of counts.byRevision) {
        if (revision === route.primary?.revision || revision === route.canary?.revision) continue;
        counts.others += answered;
        counts.byRevision.delete(revision);
      }
    }
  }

  replica(id: string, revision: Revision): ReplicaMetrics {
    const revisions = this.replicas.get(id) ?? new Map<Revision, ReplicaMetrics>();
    this.replicas.set(id, revisions);
    const known = revisions.get(revision) ?? emptyMetrics();
    revisions.set(revision, known);
    return known;
  }

  route(pool: string): RouteCounts {
    const known = this.routes.get(pool) ?? { rejected: 0, byRevision: new Map<Revision, number>(), others: 0 };
    this.routes.set(pool, known);
    return known;
  }
}

export function everyReplica(desired: DesiredRouting): DesiredReplica[] {
  return desired.routes.flatMap(({ primary, canary, draining }) => [
    ...(primary?.replicas ?? []),
    ...(canary?.replicas ?? []),
    ...draining,
  ]);
}
