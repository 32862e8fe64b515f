import type { PoolLoad } from "../../core/observed";
import type { DesiredRoute, DesiredRouting } from "../../core/routing";
import type { Revision } from "../../core/spec/pool";
import type { DataPlaneReport } from "../../ports/dataplane";
import { addMetrics, emptyMetrics } from "../metrics";
import type { WaitingRoom } from "../waiting-room";
import { everyReplica, type RequestCounts } from "./request-counts";
import type { Traffic } from "./traffic";

type Parts = Pick<DataPlaneReport, "replicas" | "routes" | "metrics" | "pools">;

export interface Seen {
  /** The number of that process. */
  worker: number;
  /** The pools by their place in that process. */
  pools: readonly string[];
  traffic: Traffic;
}

/** One view of all HAProxy processes, of the log, and of the waiting room. `seen` has the one that takes connections first. */
export function reportOf(
  desired: DesiredRouting,
  seen: readonly Seen[],
  counts: RequestCounts,
  room: ReturnType<WaitingRoom["report"]>,
): Parts {
  const report: Parts = { replicas: {}, routes: {}, metrics: {} };
  const add = (id: string, inFlight: number): void => {
    const replica = (report.replicas[id] ??= { inFlight: 0, queued: 0, healthy: true });
    replica.inFlight += inFlight;
  };
  const revisions = revisionsOf(desired);
  for (const { id } of everyReplica(desired)) {
    add(id, 0);
    const revision = revisions.get(id);
    report.metrics[id] = revision === undefined ? emptyMetrics() : structuredClone(counts.replica(id, revision));
  }
  seen.forEach(({ traffic }, at) => {
    for (const server of traffic.servers) {
      // Whoever left the routing is told of only while something of it still runs.
      if (server.inFlight === 0 && report.replicas[server.replica] === undefined) continue;
      add(server.replica, server.inFlight);
      if (at === 0) report.replicas[server.replica]!.healthy = server.healthy;
      // Restarted in place as another revision: what it was before is not it.
      if ((revisions.get(server.replica) ?? server.revision) !== server.revision) continue;
      const metrics = (report.metrics[server.replica] ??= emptyMetrics());
      metrics.attempts += server.attempts;
      metrics.errors += server.errors;
    }
  });
  for (const [id, { inFlight }] of Object.entries(room.replicas)) {
    if (inFlight > 0 || report.replicas[id] !== undefined) add(id, inFlight);
  }
  for (const [id, metrics] of Object.entries(room.metrics)) {
    const known = report.metrics[id];
    if (known !== undefined) addMetrics(known, metrics);
  }
  for (const route of desired.routes) {
    const inRoom = room.routes[route.prefix] ?? { queued: 0, rejected: 0, firstAttempts: { primary: 0, canary: 0 } };
    const { rejected, byRevision } = counts.route(route.pool);
    const answered = (revision: string | undefined): number =>
      revision === undefined ? 0 : (byRevision.get(revision) ?? 0);
    report.routes[route.prefix] = {
      queued: inRoom.queued + seen.reduce((sum, each) => sum + queuedAt(each, route.pool), 0),
      rejected: inRoom.rejected + rejected,
      firstAttempts: {
        primary: inRoom.firstAttempts.primary + answered(route.primary?.revision),
        canary: inRoom.firstAttempts.canary + answered(route.canary?.revision),
      },
    };
  }
  report.pools = Object.fromEntries(desired.routes.map((route) => [route.pool, loadOf(route, report, counts, room)]));
  return report;
}

/** HAProxy tells of a request when it is over; until then it is among those in flight. */
function loadOf(
  { pool, prefix, primary, canary, draining }: DesiredRoute,
  { replicas, routes }: Parts,
  counts: RequestCounts,
  room: ReturnType<WaitingRoom["report"]>,
): PoolLoad {
  const { byRevision, others } = counts.route(pool);
  const over = [...byRevision.values()].reduce((sum, count) => sum + count, others);
  const members = [...(primary?.replicas ?? []), ...(canary?.replicas ?? []), ...draining];
  return {
    arrivals: over + (room.pools[pool]?.arrivals ?? 0),
    inFlight: members.reduce((sum, { id }) => sum + (replicas[id]?.inFlight ?? 0), 0),
    queued: routes[prefix]?.queued ?? 0,
  };
}

/** Of those in service; a draining one's is known by its server only. */
function revisionsOf(desired: DesiredRouting): Map<string, Revision> {
  const revisions = new Map<string, Revision>();
  for (const { primary, canary } of desired.routes) {
    for (const version of [primary, canary]) {
      for (const { id } of version?.replicas ?? []) revisions.set(id, version!.revision);
    }
  }
  return revisions;
}

function queuedAt({ pools, traffic }: Seen, pool: string): number {
  return traffic.queued.get(pools.indexOf(pool)) ?? 0;
}
