import { digest } from "./digest";
import type { Draft } from "./draft";
import type { RoutedPool } from "./events";
import { inAll, type Census, type Count } from "./fleet/census";
import { hasStranger } from "./fleet/orphans";
import { hasOneEach } from "./fleet/sight";
import { ALL_PRIMARY, type Goals, type PoolGoal, type Weights } from "./goals";
import type { Intent } from "./intent";
import type { Observed } from "./observed";
import { ALIKE } from "./plan/units";
import type { DesiredReplica, DesiredRoute, DesiredRouting, DesiredVersion } from "./routing";
import type { PoolSpec } from "./spec/pool";
import { givesMore } from "./rollout/flight";
import { weightOf } from "./scale/weight";
import type { PoolState, Replica, RoutingState } from "./state";

/** Decides the routing, gives it a new generation when it changed, and asks for it until it is in force. */
export function route(draft: Draft, intent: Intent, goals: Goals, observed: Observed): void {
  const { endpoint, balancer } = intent.service.spec;
  const routes = Object.keys(draft.state.pools)
    .sort()
    .flatMap((name) => routeOf(draft, name, goals));
  const hash = digest({ endpoint, balancer, routes: routes.map(inShort) });
  const { routing } = draft.state;
  // A data plane that is ahead of us remembers what a lost state decided: only a newer generation corrects it.
  const ahead = observed.dataplane !== null && observed.dataplane.generation > routing.generation;
  const isNew = hash !== routing.hash || ahead;
  const { weights } = goals;
  if (isNew) {
    const generation = Math.max(routing.generation, observed.dataplane?.generation ?? 0) + 1;
    draft.state.routing = { generation, inForce: routing.inForce, hash, weights, ...apartOf(draft, routes, goals) };
    draft.say({ kind: "routed", generation, pools: Object.fromEntries(routes.map((each) => [each.pool, told(each)])) });
  } else if (weights.canary !== routing.weights.canary || weights.primary !== routing.weights.primary) {
    const { apart: _before, ...same } = routing;
    draft.state.routing = { ...same, weights, ...apartOf(draft, routes, goals) };
  }
  const { generation } = draft.state.routing;
  const census = draft.census();
  for (const { id, drainGeneration } of inAll(census, ({ draining }) => draining)) {
    if (drainGeneration === null) draft.patchReplica(id, { drainGeneration: generation });
  }
  if (observed.dataplane?.generation === generation) return;
  // Where nothing is in force there is nothing to lose.
  if (observed.dataplane?.generation !== 0) {
    if (!isFounded(census, observed, isNew)) return;
    const isOwn = isNew && routing.inForce !== 0;
    if (!isOwn && routes.some((each) => takesLastStranger(draft, goals, observed, each))) return;
  }
  const desired: DesiredRouting = { epoch: draft.state.epoch, generation, endpoint, balancer, routes };
  draft.act({ kind: "route", desired });
}

/**
 * What is in force serves on until somebody of each pool has been seen to be ready. A new routing waits only for whoever
 * has just taken over to probe at all; one that was decided before, possibly long ago and by a predecessor, would put out
 * of service who serves now, for those who do not answer any more.
 */
function isFounded(census: Readonly<Record<string, Census>>, observed: Observed, isNew: boolean): boolean {
  return hasOneEach(census, observed, ({ consecutiveSuccesses }) => isNew || consecutiveSuccesses > 0);
}

/**
 * Whoever has taken over finds a routing that leaves a pool to nobody, and has not itself seen the replicas fail that its
 * predecessor gave up for it. While the data plane finds one of them healthy, what is in force serves on until somebody of
 * the pool is ready.
 */
function takesLastStranger(draft: Draft, { pools }: Goals, observed: Observed, route: DesiredRoute): boolean {
  const { pool, primary, canary } = route;
  const goal = pools[pool];
  if ((primary?.replicas.length ?? 0) + (canary?.replicas.length ?? 0) > 0) return false;
  if (goal === undefined || goal.leaving || (goal.keeps.kind === "floor" && goal.keeps.ready === 0)) return false;
  return goal.primary.replicas + goal.canary.replicas > 0 && hasStranger(draft, observed, pool);
}

/**
 * The content of a route with each list of replicas as one text: thousands of small objects are slow to spell out. An id
 * stands for its address, which it keeps for life; what it carries may be declared anew.
 */
function inShort({ primary, canary, draining, ...rest }: DesiredRoute): unknown {
  const list = (replicas: DesiredReplica[]) =>
    replicas.map(({ id, weight }) => (weight === undefined ? id : `${id}*${weight}`)).join(",");
  const version = (each: DesiredVersion | null) => each && { ...each, replicas: list(each.replicas) };
  return { ...rest, primary: version(primary), canary: version(canary), draining: list(draining) };
}

/**
 * Where one version stands in for the other: a canary's share comes back down from there; in a rollback it never comes
 * up again, and in blueGreen only when it is whole.
 */
function apartOf(
  draft: Draft,
  routes: readonly DesiredRoute[],
  { pools, weights }: Goals,
): Pick<RoutingState, "apart"> {
  const { rollout } = draft.state;
  const waits = rollout?.direction.kind === "back" || rollout?.strategy.kind === "blueGreen";
  const apart: NonNullable<RoutingState["apart"]> = {};
  for (const { pool, primary, canary } of routes) {
    const goal = pools[pool];
    if (!goal?.moving || goal.split.kind !== "shares" || primary === null || canary === null) continue;
    const split = { canary: canary.weight, primary: primary.weight };
    if (givesMore(split, weights) || (waits && givesMore(weights, split))) apart[pool] = split;
  }
  return Object.keys(apart).length === 0 ? {} : { apart };
}

/** What the data plane reports comes first in a tick, so that the log tells causes before effects. */
export function noteInForce(draft: Draft, observed: Observed): void {
  const { routing } = draft.state;
  const seen = observed.dataplane?.generation;
  if (seen !== routing.generation || routing.inForce === seen) return;
  draft.state.routing = { ...routing, inForce: seen };
  draft.say({ kind: "routeInForce", generation: seen });
}

function routeOf(draft: Draft, name: string, goals: Goals): DesiredRoute[] {
  const pool = draft.pool(name);
  const { primary, canary } = pool;
  const shown = primary ?? canary;
  if (shown === null || !takesTraffic(draft, name, goals.weights)) return [];
  const census = draft.census()[name]!;
  const serving = servingOf(census, pool);
  const counts = { canary: serving.canary.length, primary: serving.primary.length };
  const weights = toWhoeverServes(weightsOf(goals.pools[name], counts), counts);
  const version = (side: "primary" | "canary", spec: PoolSpec | null): DesiredVersion | null =>
    spec && { revision: spec.revision, weight: weights[side], replicas: serving[side] };
  const draining = [census.primary, census.canary, census.stale].flatMap((count) => count.draining);
  return [
    {
      prefix: shown.route,
      pool: name,
      readiness: shown.readiness,
      // As long as a replica may take to come up: whoever woke the pool must not be sent away before it can answer.
      ...(shown.scaling?.min === 0 ? { wakeSeconds: shown.readiness.startupGraceSeconds } : {}),
      primary: version("primary", primary),
      canary: version("canary", canary),
      draining: reachable(draining, null),
    },
  ];
}

/** Who gets the requests of each version: whoever is ready and stays. Without any, one whose VM is taken soon, and then
 * one whose probes fail: both beat a certain refusal. */
function servingOf(
  { primary, canary, stale }: Census,
  pool: PoolState,
): { primary: DesiredReplica[]; canary: DesiredReplica[] } {
  const ways: ((count: Count) => Replica[])[] = [
    ({ ready }) => ready,
    ({ noticed }) => noticed.filter(({ status }) => status === "ready"),
    ({ alive }) => alive.filter(({ status }) => status === "notReady"),
  ];
  const of = ways.find((way) => [primary, canary, stale].some((count) => way(count).length > 0)) ?? ways[0]!;
  return { primary: reachable(of(primary), pool.primary), canary: reachable(of(canary), pool.canary) };
}

/** `spec`: of the version that they serve; null: they serve none. */
function reachable(replicas: readonly Replica[], spec: PoolSpec | null): DesiredReplica[] {
  const reachable: DesiredReplica[] = [];
  for (const replica of replicas) {
    const { id, address } = replica;
    if (address === null) continue;
    const { host, port } = address;
    const weight = spec === null ? 1 : weightOf(spec, replica);
    reachable.push(weight === 1 ? { id, host, port } : { id, host, port, weight });
  }
  return reachable;
}

/**
 * All pools of a rollout share one split, and in a pool where a version has nobody left the other one serves it all: to
 * send requests where nobody is would end the pool's last healthy capacity.
 */
function toWhoeverServes(weights: Weights, serving: Weights): Weights {
  const whole = weights.canary + weights.primary;
  if (serving.canary === 0 && serving.primary > 0) return { canary: 0, primary: whole };
  if (serving.primary === 0 && serving.canary > 0) return { canary: whole, primary: 0 };
  return weights;
}

/** By replica, each for what it carries: counted where they are routed, so that what was drained in this very tick has no share any more. */
function weightsOf(goal: PoolGoal | undefined, serving: Weights): Weights {
  if (goal === undefined) return ALL_PRIMARY;
  const { split, units = ALIKE } = goal;
  switch (split.kind) {
    case "shares":
      return split.weights;
    case "byReplica":
      if (serving.canary + serving.primary === 0) return ALL_PRIMARY;
      return { canary: serving.canary * units.canary, primary: serving.primary * units.primary };
  }
}

/** A pool added to a rolled-out service waits for the first SHIFT. */
function takesTraffic(draft: Draft, name: string, weights: Weights): boolean {
  const { rollout } = draft.state;
  if (draft.pool(name).takesTraffic) return true;
  return rollout !== null && rollout.target[name] !== undefined && weights.canary > 0;
}

function told({ primary, canary, draining }: DesiredRoute): RoutedPool {
  const names = (replicas: DesiredReplica[]) => replicas.map(({ id }) => id);
  const version = (each: DesiredVersion | null) =>
    each === null ? null : { revision: each.revision, weight: each.weight, replicas: names(each.replicas) };
  return { primary: version(primary), canary: version(canary), draining: names(draining) };
}
