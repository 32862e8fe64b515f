import type { PoolSpec } from "../../../provider/core/spec/pool";
import type { Market } from "../../../provider/core/spot/candidate";
import type { SpotSpec } from "../../../provider/core/spot/spec";
import type { PoolState, Replica, State } from "../../../provider/core/state";
import type { Vm } from "./cloud";
import { capOf } from "./rules";
import type { SimulatedWorld } from "./world";

/** A window is as exact as a request: the last one may have come that much before its end. */
const ONE_REQUEST_MS = 1_500;
/** A sleeping pool is looked at this often, and whoever looks may have to be brought back first. */
const WAKES_WITHIN_MS = 30_000;

/**
 * DESIGN 4 and 5 for pools whose number moves by itself: with the load, or with what the markets give. What a launch was
 * allowed when it was decided it still is when it takes effect, as the number may have fallen meanwhile.
 */
export class ElasticRules {
  /** When a number of replicas that is wanted last changed: orders of before were right then. */
  retargetedAt = -1;
  /** More has been wanted of a rollout's versions for their load, and is not all there yet. */
  isGrowing = false;
  private known: State["replicas"] = {};
  private wanted = "";
  private sizes = new Map<string, number>();
  private readonly replicas = new Map<string, number>();
  private readonly journalledAt = new Map<string, number>();
  private readonly limits = new Map<string, { at: number; most: number }[]>();

  constructor(
    private readonly world: SimulatedWorld,
    private readonly broken: (rule: string, sentence: string) => void,
  ) {}

  persisted(state: State, undisturbedSince: number): void {
    const { now } = this.world.timeline;
    for (const [name, pool] of Object.entries(state.pools)) {
      // One that has left the spot market still has VMs there.
      if (!isElastic(pool) && !this.limits.has(name)) continue;
      this.judgeBounds(state, name, pool);
      this.judgeSleep(name, pool, undisturbedSince);
      // Moves are decided by who was there before them.
      this.note(name, Math.max(capOf(state, name), capOf({ ...state, replicas: this.known }, name)));
    }
    this.known = state.replicas;
    for (const { id, pool, status } of Object.values(state.replicas)) {
      if (status === "launching" && this.limits.has(pool) && !this.journalledAt.has(id)) this.journalledAt.set(id, now);
    }
    const wanted = wantedIn(state);
    if (wanted !== this.wanted) this.retargetedAt = now;
    this.wanted = wanted;
    const moved = (state.rollout?.pools ?? []).filter(({ name }) => isScaled(state.pools[name]));
    const sizes = new Map(moved.map(({ name, from, to }) => [name, from + to]));
    if ([...sizes].some(([name, size]) => size > (this.sizes.get(name) ?? size))) this.isGrowing = true;
    this.sizes = sizes;
  }

  /** Nobody who serves lacks anything. */
  whole(): void {
    this.isGrowing = false;
  }

  ticked(): void {
    const { dataPlane, state, store, timeline, calmSince } = this.world;
    const { service, pools } = store.intent!.value;
    if (state === null || !dataPlane.up || service.deleting) return;
    for (const [name, { primary }] of Object.entries(state.pools)) {
      if (!primary?.scaling || primary.replicas > 0 || (pools[name]?.deleting ?? true)) continue;
      if (dataPlane.routedSince(name) === null) continue;
      const { requestsPerSecond, since } = dataPlane.demandOf(name);
      if (requestsPerSecond === 0 || timeline.now - Math.max(since, calmSince) < WAKES_WITHIN_MS) continue;
      this.broken("wakes", `pool ${name} sleeps, and ${requestsPerSecond} requests/s wait for it`);
    }
  }

  /** The most VMs that its pool was allowed at any time since the launch was decided; null: its number is fixed. */
  mostFor({ replicaId, pool }: Vm): number | null {
    const limits = this.limits.get(pool);
    const decidedAt = this.journalledAt.get(replicaId);
    if (limits === undefined || decidedAt === undefined) return null;
    const first = limits.findLastIndex(({ at }) => at < decidedAt);
    return Math.max(...limits.slice(Math.max(0, first)).map(({ most }) => most));
  }

  private note(pool: string, most: number): void {
    const limits = this.limits.get(pool) ?? [];
    if (limits.at(-1)?.most !== most) limits.push({ at: this.world.timeline.now, most });
    this.limits.set(pool, limits);
  }

  private judgeBounds({ rollout }: State, name: string, { primary, canary, hasServed }: PoolState): void {
    const moved = rollout?.pools.some((pool) => pool.name === name) ?? false;
    const sides = [
      ["primary", primary, moved ? 1 : 0],
      ["canary", canary, canary?.scaling?.initial ?? 0],
    ] as const;
    for (const [side, spec, floor] of sides) {
      if (!spec?.scaling || !hasServed) continue;
      const { min, max } = spec.scaling;
      if (spec.replicas >= Math.max(min, floor) && spec.replicas <= max) continue;
      const bounds = `${Math.max(min, floor)} to ${max}`;
      this.broken("bounds", `the ${side} of pool ${name} is to have ${spec.replicas} replicas, of ${bounds}`);
    }
  }

  /** Nobody is left only when nothing was asked for. */
  private judgeSleep(name: string, { primary }: PoolState, undisturbedSince: number): void {
    const before = this.replicas.get(name) ?? 0;
    const replicas = primary?.replicas ?? 0;
    this.replicas.set(name, replicas);
    if (!primary?.scaling || before === 0 || replicas > 0) return;
    const { dataPlane, timeline } = this.world;
    const { requestsPerSecond, since } = dataPlane.demandOf(name);
    const windowMs = 1000 * primary.scaling.windowSeconds;
    const quietMs = requestsPerSecond > 0 ? 0 : timeline.now - since;
    // Before it had a route nothing came to it.
    const seenMs = timeline.now - Math.max(undisturbedSince, dataPlane.routedSince(name) ?? timeline.now);
    if (quietMs >= windowMs - ONE_REQUEST_MS || seenMs < windowMs) return;
    this.broken("sleep", `pool ${name} is to have nobody ${quietMs} ms after the last request`);
  }
}

export function isElastic({ primary, canary }: PoolState): boolean {
  return [primary, canary].some((spec) => Boolean(spec?.scaling ?? spec?.spot));
}

/** All is as load and markets ask for, and nothing is on its way. */
export function hasConverged(world: SimulatedWorld, primary: PoolSpec, replicas: readonly Replica[]): boolean {
  const { scaling, spot, replicas: wanted } = primary;
  if (scaling && !isAskedFor(world, primary)) return false;
  const base = spot ? Math.min(wanted, spot.baseOnDemandReplicas) : wanted;
  const serving = wanted - base;
  const spots = countOf(replicas, "spot");
  if (countOf(replicas, "onDemand") !== base) return false;
  return spots >= serving && spots <= serving + (spot && serving > 0 ? mostSpare(spot) : 0);
}

/** Declared spare VMs, or the one that caution keeps. */
export function mostSpare({ numOverprovision, cautionSeconds }: SpotSpec): number {
  return cautionSeconds > 0 ? Math.max(1, numOverprovision) : numOverprovision;
}

/** One request more or less in the window may make one replica of a load that just fills so many. */
function isAskedFor({ dataPlane }: SimulatedWorld, { name, scaling, replicas }: PoolSpec): boolean {
  // Nothing comes to a pool that has no route yet.
  if (dataPlane.routedSince(name) === null) return true;
  const { min, max, windowSeconds, targetQpsPerReplica, targetInFlightPerReplica } = scaling!;
  const { requestsPerSecond } = dataPlane.demandOf(name);
  const busy = dataPlane.busyOf(name);
  const asked = (rate: number) => {
    const byRate = targetQpsPerReplica === null ? 0 : Math.ceil(rate / targetQpsPerReplica);
    const byRequests = targetInFlightPerReplica === null ? 0 : Math.ceil(busy / targetInFlightPerReplica);
    return Math.min(max, Math.max(min, byRate, byRequests, rate > 0 ? 1 : 0));
  };
  const more = requestsPerSecond === 0 ? 0 : 1 / windowSeconds;
  return replicas >= asked(requestsPerSecond) && replicas <= asked(requestsPerSecond + more);
}

function countOf(replicas: readonly Replica[], market: Market): number {
  return replicas.filter((replica) => replica.market === market).length;
}

function isScaled(pool: PoolState | undefined): boolean {
  return Boolean(pool?.primary?.scaling ?? pool?.canary?.scaling);
}

/** By load; what a declaration changes is no excuse. */
function wantedIn({ pools, rollout }: State): string {
  const scaled = Object.values(pools).filter(isScaled);
  const specs = scaled.map(({ primary, canary }) => `${primary?.replicas}/${canary?.replicas}`);
  const moved = (rollout?.pools ?? [])
    .filter(({ name }) => isScaled(pools[name]))
    .map(({ from, to }) => `${from}/${to}`);
  return [...specs, "", ...moved].join();
}
