import { ServeError } from "../../../provider/core/errors";
import {
  VERSION_BOUNDS_MS,
  type ObservedDataPlane,
  type PoolLoad,
  type VersionMetrics,
} from "../../../provider/core/observed";
import type { DesiredRoute, DesiredRouting, DesiredVersion } from "../../../provider/core/routing";
import type { SimulatedCloud } from "./cloud";
import { luck } from "./random";
import type { Scenario } from "./scenario";
import type { Timeline } from "./timeline";

/** The balancer: the routing in force, and requests that run for a while after their replica left it. */
export class SimulatedDataPlane {
  up = true;
  inForce: DesiredRouting | null = null;
  requestsPerSecond = 20;
  private epoch = 0;
  /** When a replica left the routing, and until when requests go on there. */
  private readonly left = new Map<string, { at: number; until: number }>();
  private counters: Record<string, Record<string, VersionMetrics>> = {};
  private countedUntil = 0;
  /** By pool, where it is another than the scenario's. */
  private readonly demands = new Map<string, { requestsPerSecond: number; since: number }>();
  private routed = new Map<string, number>();
  private arrived: Record<string, number> = {};

  constructor(
    private readonly timeline: Timeline,
    private readonly scenario: Scenario,
    private readonly cloud: SimulatedCloud,
  ) {}

  /** Returns true when it changed what is in force. */
  apply(desired: DesiredRouting): boolean {
    if (!this.up) throw unreachable();
    this.fence(desired.epoch);
    if (this.inForce?.epoch === desired.epoch && desired.generation < this.inForce.generation) throw stale();
    if (this.inForce?.generation === desired.generation && this.inForce.epoch === desired.epoch) return false;
    this.count();
    const before = this.members();
    this.inForce = desired;
    const now = this.members();
    for (const id of before) {
      if (now.has(id)) continue;
      const revision = this.cloud.vms.get(id)?.revision;
      const most = revision === undefined ? 0 : this.cloud.behaviour(revision).drainMs;
      const until = this.timeline.now + Math.round(most * luck(this.scenario.seed, "drain", id, desired.generation));
      this.left.set(id, { at: this.timeline.now, until });
    }
    for (const id of now) this.left.delete(id);
    const since = desired.routes.map(({ pool }) => [pool, this.routed.get(pool) ?? this.timeline.now] as const);
    this.routed = new Map(since);
    return true;
  }

  fence(epoch: number): void {
    if (epoch < this.epoch) throw stale();
    this.epoch = epoch;
  }

  observe(): ObservedDataPlane {
    if (!this.up) throw unreachable();
    this.count();
    const members = this.members();
    for (const id of this.left.keys()) {
      if (this.cloud.vms.get(id)?.phase === "ended" && !this.isBusy(id)) this.left.delete(id);
    }
    const ids = [...members, ...this.left.keys()];
    const replicas = ids.map((id) => {
      const inFlight = members.has(id) || this.isBusy(id) ? 1 : 0;
      return [id, { inFlight, queued: 0, healthy: this.cloud.isHealthy(this.cloud.vms.get(id)) }] as const;
    });
    return {
      generation: this.inForce?.generation ?? 0,
      replicas: Object.fromEntries(replicas),
      versions: Object.fromEntries(Object.entries(this.counters).map(([pool, versions]) => [pool, copied(versions)])),
      ...(this.scenario.demand && { pools: this.loads() }),
    };
  }

  /** From now on so many requests a second come to the pool. */
  demand(pool: string, requestsPerSecond: number): void {
    this.count();
    if (requestsPerSecond === this.demandOf(pool).requestsPerSecond) return;
    this.demands.set(pool, { requestsPerSecond, since: this.timeline.now });
  }

  /** Of a pool that goes with its load. */
  demandOf(pool: string): { requestsPerSecond: number; since: number } {
    return this.demands.get(pool) ?? { requestsPerSecond: this.scenario.demand!.requestsPerSecond, since: 0 };
  }

  /** Null: nothing comes to it. */
  routedSince(pool: string): number | null {
    return this.routed.get(pool) ?? null;
  }

  /** Requests that run or wait at any time. */
  busyOf(pool: string): number {
    return Math.floor(this.demandOf(pool).requestsPerSecond * this.scenario.demand!.requestSeconds);
  }

  /** Ends with every request that it carries. */
  stop(): void {
    this.up = false;
    this.counters = {};
    this.arrived = {};
    for (const [id, { at }] of this.left) this.left.set(id, { at, until: this.timeline.now });
  }

  start(remembers: boolean): void {
    this.up = true;
    this.countedUntil = this.timeline.now;
    if (remembers) return;
    this.inForce = null;
    this.routed.clear();
  }

  /** Gets requests now. */
  members(): Set<string> {
    const routes = this.inForce?.routes ?? [];
    return new Set(
      routes.flatMap(({ primary, canary }) => [...(primary?.replicas ?? []), ...(canary?.replicas ?? [])].map(idOf)),
    );
  }

  isBusy(id: string): boolean {
    return this.timeline.now < (this.left.get(id)?.until ?? 0);
  }

  leftAt(id: string): number | null {
    return this.left.get(id)?.at ?? null;
  }

  /** Counts what came since the last look. */
  private count(): void {
    const seconds = (this.timeline.now - this.countedUntil) / 1000;
    this.countedUntil = this.timeline.now;
    if (!this.up || seconds <= 0) return;
    const { demand } = this.scenario;
    for (const { pool, primary, canary } of this.inForce?.routes ?? []) {
      const requestsPerSecond = demand ? this.demandOf(pool).requestsPerSecond : this.requestsPerSecond;
      if (demand) this.arrived[pool] = (this.arrived[pool] ?? 0) + requestsPerSecond * seconds;
      const whole = (primary?.weight ?? 0) + (canary?.weight ?? 0);
      for (const version of [primary, canary]) {
        if (version === null || version.weight === 0 || version.replicas.length === 0) continue;
        this.add(pool, version, (requestsPerSecond * seconds * version.weight) / whole);
      }
    }
  }

  /** Whoever cannot be sent anywhere waits. */
  private loads(): Record<string, PoolLoad> {
    const loads = (this.inForce?.routes ?? []).map((route) => {
      const { pool } = route;
      const busy = this.busyOf(pool);
      // The first request to a pool that has nobody does not end before somebody is there.
      const waiting = this.demandOf(pool).requestsPerSecond > 0 ? Math.max(1, busy) : 0;
      const served = hasReplicas(route);
      const arrivals = Math.floor(this.arrived[pool] ?? 0);
      return [pool, { arrivals, inFlight: served ? busy : 0, queued: served ? 0 : waiting }] as const;
    });
    return Object.fromEntries(loads);
  }

  private add(pool: string, { revision, replicas }: DesiredVersion, requests: number): void {
    const { errorPercent, latencyMs } = this.cloud.behaviour(revision);
    const healthy = replicas.some(({ id }) => this.cloud.isHealthy(this.cloud.vms.get(id)));
    const counters = ((this.counters[pool] ??= {})[revision] ??= nothing());
    const whole = Math.round(requests);
    counters.requests += whole;
    counters.errors += healthy ? Math.round((whole * errorPercent) / 100) : whole;
    const found = VERSION_BOUNDS_MS.findIndex((bound) => latencyMs <= bound);
    const bucket = found === -1 ? VERSION_BOUNDS_MS.length : found;
    counters.latency[bucket]! += whole;
    counters.timeToFirstByte[bucket]! += whole;
  }
}

function hasReplicas({ primary, canary }: DesiredRoute): boolean {
  return (primary?.replicas.length ?? 0) + (canary?.replicas.length ?? 0) > 0;
}

function idOf({ id }: { id: string }): string {
  return id;
}

/** What was reported must not grow afterwards. */
function copied(versions: Record<string, VersionMetrics>): Record<string, VersionMetrics> {
  return Object.fromEntries(
    Object.entries(versions).map(([revision, { requests, errors, latency, timeToFirstByte }]) => [
      revision,
      { requests, errors, latency: latency.slice(), timeToFirstByte: timeToFirstByte.slice() },
    ]),
  );
}

function nothing(): VersionMetrics {
  const empty = () => new Array<number>(VERSION_BOUNDS_MS.length + 1).fill(0);
  return { requests: 0, errors: 0, latency: empty(), timeToFirstByte: empty() };
}

function unreachable(): ServeError {
  const reasons: [string] = ["Nobody listens at the load balancer's socket."];
  return new ServeError({ code: "DataPlaneUnreachable", scope: "dataplane", retryable: true, reasons });
}

function stale(): ServeError {
  return new ServeError({ code: "StaleEpoch", scope: "dataplane", reasons: ["A newer routing is in force."] });
}
