import type { Intent } from "../../core/intent";
import type { State } from "../../core/state";
import type { DataPlaneReport } from "../../ports/dataplane";

/** What a pool's route has to do at this moment. */
export interface QueueView {
  pool: string;
  route: string;
  /** Requests that its replicas work on, streams too; null: the engine does not count them per pool. */
  inFlight: number | null;
  /** Requests that wait for a replica. */
  queued: number;
  /** As many may wait: one more is refused with 503. */
  maxQueue: number;
  /** Refused with 503 since the balancer started: too many waited, or no replica had room in time. */
  rejected: number;
}

/** Of every pool that the balancer has a route for; none while it does not answer. */
export function queuesOf({ service }: Intent, { pools }: State, dataplane: DataPlaneReport | null): QueueView[] {
  return Object.entries(pools).flatMap(([pool, { primary, canary }]) => {
    const { route } = primary ?? canary ?? {};
    const seen = route === undefined ? undefined : dataplane?.routes[route];
    if (route === undefined || seen === undefined) return [];
    const { queued, rejected } = seen;
    const inFlight = dataplane?.pools?.[pool]?.inFlight ?? null;
    return [{ pool, route, inFlight, queued, maxQueue: service.spec.balancer.maxQueue, rejected }];
  });
}
