import { sameJson } from "../digest";
import type { Draft } from "../draft";
import type { Goals, Markets, PoolGoal } from "../goals";
import type { Observed } from "../observed";
import type { Market } from "../spot/candidate";
import { mix } from "../spot/mix";
import { mostSpare } from "../spot/spec";
import type { PoolSpec } from "../spec/pool";
import type { PoolState, Replica } from "../state";
import type { Census, Count } from "./census";
import { candidatesOf, NO_POOL_SPOT } from "./places";
import { slotsOf } from "./slots";

/**
 * Says how many VMs of each market a pool should have where it may have spot ones. A rollout counts replicas only, and
 * what it launches is pinned: a loss of spot must not be what decides it.
 */
export function mixMarkets(draft: Draft, goals: Goals, observed: Observed): Goals {
  const pools = Object.entries(goals.pools).map(([name, goal]) => [name, mixed(draft, name, goal, observed)] as const);
  return { ...goals, pools: Object.fromEntries(pools) };
}

function mixed(draft: Draft, name: string, goal: PoolGoal, observed: Observed): PoolGoal {
  const { primary: spec } = draft.pool(name);
  if (spec === null || goal.moving || goal.leaving) return goal;
  const census = draft.census()[name]!;
  const wanted = goal.primary.replicas;
  const markets = spec.spot
    ? mixNow(draft, name, { spec, wanted, replicas: census.primary.alive, observed })
    : onlyOnDemand(wanted, census.primary);
  return markets === null ? goal : { ...goal, markets, cap: capOf(wanted, spec, markets, census) };
}

interface Question {
  spec: PoolSpec;
  wanted: number;
  replicas: readonly Replica[];
  observed: Observed;
}

function mixNow(draft: Draft, name: string, { spec, wanted, replicas, observed }: Question): Markets {
  const { spot = NO_POOL_SPOT } = draft.pool(name);
  const { baseOnDemandReplicas: base } = spec.spot!;
  const { state, reason, ...found } = mix({
    spec: spec.spot!,
    state: spot.mix,
    memory: spot.memory,
    candidates: candidatesOf(draft, spec, observed),
    wanted,
    slots: slotsOf(replicas, base),
    now: draft.now,
  });
  const counts = { spot: found.spot, onDemand: found.onDemand };
  if (!sameJson(counts, spot.counts)) {
    draft.say({ kind: "marketsMixed", pool: name, replicas: wanted, ...counts, fallback: found.fallback, reason });
  }
  const next: NonNullable<PoolState["spot"]> = { ...spot, mix: state, counts };
  if (!sameJson(next, draft.pool(name).spot ?? null)) draft.patchPool(name, { spot: next });
  return counts;
}

/** The pool has left the spot market, and its last spot VMs serve until others do. */
function onlyOnDemand(wanted: number, { alive }: Count): Markets | null {
  return countOf(alive, "spot") === 0 ? null : { spot: 0, onDemand: wanted };
}

/**
 * Outside a rollout: the pool's number, its spare spot VMs, and one VM for each spot VM that is not ready or that the
 * pool is on its way to do without.
 */
function capOf(wanted: number, spec: PoolSpec, markets: Markets, { primary }: Census): number {
  const spare = spec.spot && markets.spot > 0 ? mostSpare(spec.spot) : 0;
  const base = spec.spot?.baseOnDemandReplicas ?? wanted;
  const most = Math.max(0, wanted - base) + spare;
  // What is replaced in advance is ready and needs no VM more: its successor has room when others are gone.
  const missing = Math.max(0, Math.min(markets.spot, most) - countOf(primary.ready, "spot"));
  // A spare one that is not wanted any more has its place already.
  const leaving = Math.max(0, countOf(primary.alive, "spot") - most);
  // What drains since there was less to do must not keep out what is needed again.
  return Math.max(wanted, spec.scaling?.max ?? 0) + spare + missing + leaving;
}

/** The market of each launch, in order: spot first, as it takes longer to get. */
export function marketsOf(goal: PoolGoal, spec: PoolSpec, { alive }: Count, lacking: number): Market[] {
  const { markets } = goal;
  const has = { spot: countOf(alive, "spot"), onDemand: countOf(alive, "onDemand") };
  if (markets !== undefined) {
    return [...times("spot", markets.spot - has.spot), ...times("onDemand", markets.onDemand - has.onDemand)];
  }
  const most = onDemandAllowed(spec);
  const pinned = Math.max(0, Math.min(lacking, most - has.onDemand));
  return [...times("onDemand", pinned), ...times("spot", lacking - pinned)];
}

/** On-demand replicas that a pool may have in a rollout: no more than it ever asked for. */
function onDemandAllowed({ spot }: PoolSpec): number {
  return !spot || spot.dynamicOnDemandFallback ? Number.POSITIVE_INFINITY : spot.baseOnDemandReplicas;
}

export function countOf(replicas: readonly Replica[], market: Market): number {
  return replicas.reduce((sum, replica) => sum + (replica.market === market ? 1 : 0), 0);
}

function times(market: Market, count: number): Market[] {
  return Array.from({ length: Math.max(0, count) }, () => market);
}
