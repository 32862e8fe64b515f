import type { DesiredReplica, DesiredRouting, DesiredVersion } from "../core/routing";
import type { BalancerSpec, Revision } from "../core/spec/pool";

/** What one that has just joined gets of its weight: without any request it would never become warm. */
const LEAST_SHARE = 0.1;

/** When those who ramp have joined, in milliseconds. */
export type Joined = ReadonlyMap<string, number>;

/**
 * Who gets its share only gradually: whoever joins a version that had replicas in the routing before this one, until its
 * time is over. Nobody else could take the load of a version's first replicas, and who served before an engine knew of
 * them (`before` is null) is not new.
 */
export function joinedAfter(
  joined: Joined,
  before: DesiredRouting | null,
  desired: DesiredRouting,
  now: number,
): Joined {
  const lasts = lastsMs(desired.balancer);
  const there = new Set<string>();
  const served = new Set<string>();
  eachVersion(before, (pool, { revision, replicas }) => {
    for (const replica of replicas) there.add(placeOf(pool, revision, replica));
    if (replicas.length > 0) served.add(`${pool} ${revision}`);
  });
  const after = new Map<string, number>();
  eachVersion(desired, (pool, { revision, replicas }) => {
    if (!served.has(`${pool} ${revision}`)) return;
    for (const replica of replicas) {
      const place = placeOf(pool, revision, replica);
      const since = there.has(place) ? joined.get(place) : now;
      if (since !== undefined && now - since < lasts) after.set(place, since);
    }
  });
  return after;
}

/**
 * The routing with the weights that count now: of each version the most is 1. What a replica carries counts only where load
 * is balanced; turns are alike, but for those of whoever ramps.
 */
export function weighedAt(desired: DesiredRouting, joined: Joined, now: number): DesiredRouting {
  const { balancer } = desired;
  const weigh = (pool: string, version: DesiredVersion | null): DesiredVersion | null => {
    if (version === null) return null;
    const weights = version.replicas.map((replica) => {
      const since = joined.get(placeOf(pool, version.revision, replica));
      const share = since === undefined ? 1 : shareAfter(now - since, lastsMs(balancer));
      return share * (balancer.policy === "leastLoad" ? (replica.weight ?? 1) : 1);
    });
    const most = Math.max(...weights);
    return {
      ...version,
      replicas: version.replicas.map((replica, at) => ({ ...replica, weight: weights[at]! / most })),
    };
  };
  const routes = desired.routes.map((route) => ({
    ...route,
    primary: weigh(route.pool, route.primary),
    canary: weigh(route.pool, route.canary),
  }));
  return { ...desired, routes };
}

/** What an engine has in force, by weights that change while somebody ramps. */
export class SlowStart {
  private inForce: DesiredRouting | null = null;
  private joined: Joined = new Map();

  put(desired: DesiredRouting, now: number): DesiredRouting {
    this.joined = joinedAfter(this.joined, this.inForce, desired, now);
    this.inForce = desired;
    return weighedAt(desired, this.joined, now);
  }

  /** As `put` of what is in force; null: all weights are whole. */
  step(now: number): DesiredRouting | null {
    return this.inForce === null || this.joined.size === 0 ? null : this.put(this.inForce, now);
  }
}

function shareAfter(passedMs: number, lasts: number): number {
  return passedMs >= lasts ? 1 : LEAST_SHARE + (1 - LEAST_SHARE) * (passedMs / lasts);
}

function lastsMs({ slowStartSeconds = 0 }: BalancerSpec): number {
  return slowStartSeconds * 1000;
}

/** One that comes back elsewhere is as new as any other. */
function placeOf(pool: string, revision: Revision, { id, host, port }: DesiredReplica): string {
  return `${pool} ${revision} ${id} ${host} ${port}`;
}

function eachVersion(routing: DesiredRouting | null, visit: (pool: string, version: DesiredVersion) => void): void {
  for (const { pool, primary, canary } of routing?.routes ?? []) {
    for (const version of [primary, canary]) if (version !== null) visit(pool, version);
  }
}
