import type { DesiredRoute, DesiredRouting, DesiredVersion } from "../../../provider/core/routing";
import { isWeighted, unitsOf } from "../../../provider/core/plan/units";
import type { RolloutProgress, State } from "../../../provider/core/state";
import { mostSpare } from "./elastic-rules";
import type { SimulatedWorld } from "./world";

/** What is missing of those who serve, by pool and version, as a share of what should be there. */
export type Deficits = Record<string, number>;

/** By pool of the routing in force: healthy replicas that get requests. */
export function servingIn(world: SimulatedWorld): Record<string, number> {
  const { up, inForce } = world.dataPlane;
  if (!up || inForce === null) return {};
  return Object.fromEntries(
    inForce.routes.map((route) => [
      route.pool,
      versionsOf(route).reduce((sum, each) => sum + answering(world, each), 0),
    ]),
  );
}

export function deficitsOf(world: SimulatedWorld): Deficits {
  const { state, dataPlane } = world;
  const deficits: Deficits = {};
  if (state === null || !dataPlane.up || world.store.intent!.value.service.deleting) return deficits;
  for (const [name, pool] of Object.entries(state.pools)) {
    const route = dataPlane.inForce?.routes.find((each) => each.pool === name);
    // One that was added to a rolled-out service owes nothing before the rollout that brings it its traffic is over.
    if (!pool.hasServed || !pool.takesTraffic || (world.store.intent!.value.pools[name]?.deleting ?? true)) continue;
    const moved = state.rollout?.pools.find((each) => each.name === name);
    if (state.rollout === null || moved === undefined) {
      const wanted = pool.primary?.replicas ?? 0;
      // Without a route nobody serves: the first one, which may name nobody yet, takes nothing away.
      const serving = route ? versionsOf(route).reduce((sum, each) => sum + healthy(world, each), 0) : 0;
      if (wanted > 0) deficits[name] = Math.max(0, 1 - serving / wanted);
    } else if (route !== undefined && state.rollout.floor !== null) {
      Object.assign(deficits, deficitOfFloor(world, route, state.rollout.floor[name] ?? 0, moved));
    } else if (route !== undefined) {
      for (const standing of standingOf(world, route, state.rollout, moved)) {
        Object.assign(deficits, deficitsOfShares(standing));
      }
    }
  }
  return deficits;
}

function standingsOf(world: SimulatedWorld): Standing[] {
  const { state, dataPlane } = world;
  const rollout = state?.rollout ?? null;
  if (rollout === null || rollout.floor !== null || !dataPlane.up) return [];
  return rollout.pools.flatMap((moved) => {
    const route = dataPlane.inForce?.routes.find(({ pool }) => pool === moved.name);
    return route === undefined ? [] : standingOf(world, route, rollout, moved);
  });
}

function deficitOfFloor(
  world: SimulatedWorld,
  route: DesiredRoute,
  floor: number,
  moved: RolloutProgress["pools"][number],
): Deficits {
  const units = unitsOf(moved);
  const canary = world.state!.pools[moved.name]!.canary?.revision;
  const worth = ({ revision }: DesiredVersion) => units[revision === canary ? "canary" : "primary"];
  const serving = versionsOf(route).reduce((sum, each) => sum + worth(each) * healthy(world, each), 0);
  return floor > 0 ? { [`${moved.name} floor`]: Math.max(0, 1 - serving / floor) } : {};
}

/** A pool that two versions serve: what each could carry of everything, and what it lacks of what it is given. */
interface Standing {
  name: string;
  primary: { carries: number; deficit: number };
  canary: { carries: number; deficit: number };
}

function standingOf(
  world: SimulatedWorld,
  route: DesiredRoute,
  { direction }: RolloutProgress,
  { name, from, to }: RolloutProgress["pools"][number],
): Standing[] {
  const pool = world.state!.pools[name]!;
  if (direction.kind === "back" && direction.mode.mode === "immediate") return [];
  if (from === 0 || to === 0) return [];
  const whole = (route.primary?.weight ?? 0) + (route.canary?.weight ?? 0);
  const standing = (revision: string | undefined, steady: number) => {
    const version = [route.primary, route.canary].find((each) => each?.revision === revision);
    const carries = version ? healthy(world, version) / steady : 0;
    return { carries, deficit: version?.weight ? Math.max(0, version.weight / whole - carries) : 0 };
  };
  return [{ name, primary: standing(pool.primary?.revision, from), canary: standing(pool.canary?.revision, to) }];
}

/** Where both versions together cannot carry it all (more is declared than is there yet), the split can only share out the need. */
function deficitsOfShares({ name, primary, canary }: Standing): Deficits {
  const worst = isShort([{ name, primary, canary }]) ? Math.max(primary.deficit, canary.deficit) : 0;
  return {
    [`${name} primary`]: Math.max(worst, primary.deficit),
    [`${name} canary`]: Math.max(worst, canary.deficit),
  };
}

/**
 * All pools have one split, but for those that a version serves alone: where none suits them all, it shares out the need
 * between them too. The most that any of them lacks then; 0: one split would suit all.
 */
export function sharedNeed(world: SimulatedWorld): number {
  const split = standingsOf(world).filter(({ primary, canary }) => primary.carries > 0 && canary.carries > 0);
  if (!isShort(split)) return 0;
  return Math.max(...split.flatMap(({ primary, canary }) => [primary.deficit, canary.deficit]));
}

function isShort(pools: readonly Standing[]): boolean {
  const least = (side: "primary" | "canary") => Math.min(...pools.map((each) => each[side].carries));
  return least("primary") + least("canary") < 1 - 1e-9;
}

/** Versions that have no traffic, as deficits name them: of a share of nothing, nothing can be missing. */
export function idleIn({ state, dataPlane }: SimulatedWorld): Set<string> {
  const idle = new Set<string>();
  for (const { pool, primary, canary } of dataPlane.inForce?.routes ?? []) {
    const spec = state?.pools[pool];
    for (const [side, revision] of [
      ["primary", spec?.primary?.revision],
      ["canary", spec?.canary?.revision],
    ] as const) {
      const version = [primary, canary].find((each) => each !== null && each.revision === revision);
      if (!version?.weight) idle.add(`${pool} ${side}`);
    }
  }
  return idle;
}

/** Share of the traffic that the rollout's canary gets; null: none of its pools is routed by both versions. */
export function shareOf(routing: DesiredRouting, rollout: RolloutProgress): number | null {
  for (const { name, from, to } of rollout.pools) {
    const route = routing.routes.find(({ pool }) => pool === name);
    if (route === undefined || from === 0 || to === 0) continue;
    const canary = route.canary?.weight ?? 0;
    return canary / Math.max(1, canary + (route.primary?.weight ?? 0));
  }
  return null;
}

/** In the pool that `shareOf` looks at the primary has nobody, so that its share says nothing. */
export function hasFled(routing: DesiredRouting, rollout: RolloutProgress): boolean {
  const moved = rollout.pools.find(
    ({ name, from, to }) => from > 0 && to > 0 && routing.routes.some(({ pool }) => pool === name),
  );
  const primary = routing.routes.find(({ pool }) => pool === moved?.name)?.primary;
  return primary?.replicas.length === 0;
}

/** The most VMs of a pool, every one counted (A6, A7, A13). */
export function capOf(state: State, name: string): number {
  const { rollout } = state;
  const moved = rollout?.pools.find((pool) => pool.name === name);
  if (!rollout || moved === undefined) return steadyCapOf(state, name);
  const most = Math.max(moved.from, moved.to);
  const { strategy, direction } = rollout;
  switch (strategy.kind) {
    case "surge": {
      const back = direction.kind === "back" && direction.mode.mode === "gradual" ? direction.mode.maxSurgePercent : 0;
      return Math.ceil((most * (100 + Math.max(back, strategy.maxSurgePercent))) / 100);
    }
    case "blueGreen":
      return moved.from + moved.to;
    case "rolling": {
      if (strategy.order === "stopFirst") return most;
      const share = (most * strategy.maxUnavailablePercent) / 100;
      // New replicas of another weight seldom fill a wave to a whole: one more may be begun.
      return most + Math.max(1, isWeighted(moved) ? Math.ceil(share) : Math.floor(share));
    }
    case "inPlace":
      return most;
  }
}

/** Outside a rollout: one VM for each spot slot that is not ready too, and for each that its pool is to do without. */
function steadyCapOf({ pools, replicas }: State, name: string): number {
  const { replicas: wanted = 0, scaling = null, spot = null } = pools[name]?.primary ?? {};
  const spots = Object.values(replicas).filter(
    ({ pool, market, status, noticedUntil }) =>
      pool === name && market === "spot" && noticedUntil === null && status !== "draining" && status !== "terminating",
  );
  const serving = spot ? Math.max(0, wanted - spot.baseOnDemandReplicas) : 0;
  const spare = spot && serving > 0 ? mostSpare(spot) : 0;
  const missing = Math.max(0, serving + spare - spots.filter(({ status }) => status === "ready").length);
  const leaving = Math.max(0, spots.length - serving - spare);
  return Math.max(wanted, scaling?.max ?? 0) + spare + missing + leaving;
}

function versionsOf({ primary, canary }: DesiredRoute): DesiredVersion[] {
  return [primary, canary].filter((version) => version !== null && version.weight > 0) as DesiredVersion[];
}

function answering(world: SimulatedWorld, { replicas }: DesiredVersion): number {
  return replicas.filter(({ id }) => world.cloud.isHealthy(world.cloud.vms.get(id))).length;
}

/** One that the cloud takes soon still answers, and is nothing to count on. */
function healthy(world: SimulatedWorld, { replicas, ...version }: DesiredVersion): number {
  const staying = replicas.filter(({ id }) => (world.cloud.vms.get(id)?.takenAt ?? null) === null);
  return answering(world, { ...version, replicas: staying });
}
