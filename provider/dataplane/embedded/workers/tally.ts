import type { DesiredReplica, DesiredRouting } from "../../../core/routing";
import type { Revision } from "../../../core/spec/pool";
import type { DataPlaneReport } from "../../../ports/dataplane";
import { emptyMetrics } from "../../metrics";
import { together } from "../../report";

/** What counts as one engine's report, whoever of the workers counted it; nothing is lost with one that ended. */
export class Tally {
  /** Of all that have ended. */
  private past: DataPlaneReport | null = null;
  private desired: DesiredRouting | null = null;
  private revisions = new Map<string, Revision>();

  /** From now on by this routing. */
  set(desired: DesiredRouting): void {
    const revisions = revisionsOf(desired);
    for (const [id, revision] of revisions) {
      // Restarted in place as another revision: what it was before is not it.
      if (this.past !== null && this.revisions.get(id) !== revision) delete this.past.metrics[id];
    }
    this.desired = desired;
    this.revisions = revisions;
    if (this.past !== null) this.past = together(nothingOf(desired), [this.past]);
  }

  /** The last report of a worker that has ended: nothing of it runs or waits any more. */
  end(report: DataPlaneReport): void {
    if (this.desired === null) return;
    const past = together(nothingOf(this.desired), this.past === null ? [report] : [this.past, report]);
    past.replicas = {};
    for (const load of Object.values(past.pools ?? {})) load.inFlight = load.queued = 0;
    for (const route of Object.values(past.routes)) route.queued = 0;
    this.past = past;
  }

  /** With what those that live have told last. Whom one of them has found to be down is down. */
  sum(living: readonly DataPlaneReport[]): DataPlaneReport | null {
    if (this.desired === null) return null;
    const sum = together(nothingOf(this.desired), this.past === null ? living : [this.past, ...living]);
    for (const [id, replica] of Object.entries(sum.replicas)) {
      replica.healthy = living.every(({ replicas }) => replicas[id]?.healthy !== false);
    }
    return sum;
  }
}

function nothingOf(desired: DesiredRouting): DataPlaneReport {
  const replicas = desired.routes.flatMap(everyReplica);
  return {
    generation: desired.generation,
    pid: process.pid,
    startedAt: 0,
    endpoint: null,
    versions: {},
    replicas: Object.fromEntries(replicas.map(({ id }) => [id, { inFlight: 0, queued: 0, healthy: true }])),
    metrics: Object.fromEntries(replicas.map(({ id }) => [id, emptyMetrics()])),
    routes: Object.fromEntries(
      desired.routes.map(({ prefix }) => [
        prefix,
        { queued: 0, rejected: 0, firstAttempts: { primary: 0, canary: 0 } },
      ]),
    ),
    pools: Object.fromEntries(desired.routes.map(({ pool }) => [pool, { arrivals: 0, inFlight: 0, queued: 0 }])),
  };
}

function everyReplica({ primary, canary, draining }: DesiredRouting["routes"][number]): DesiredReplica[] {
  return [...(primary?.replicas ?? []), ...(canary?.replicas ?? []), ...draining];
}

function revisionsOf(desired: DesiredRouting): Map<string, Revision> {
  const versions = desired.routes.flatMap(({ primary, canary }) => [primary, canary]);
  return new Map(
    versions.flatMap((version) => version?.replicas.map(({ id }) => [id, version.revision] as const) ?? []),
  );
}
