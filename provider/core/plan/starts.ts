import { sizeLike } from "../scale/rollout";
import type { PoolFacts } from "../spec/facts";
import type { ServiceView } from "./service-view";

export interface StartsRequest {
  target: PoolFacts[];
  /** The pools of the last deployment; null at the first. */
  before: PoolFacts[] | null;
  /** Null: the store did not answer, so that the last deployment stands in for what serves. */
  view: ServiceView | null;
}

/** A pool of the target and what its change is measured against; null: it has never served. */
export interface Start {
  from: PoolFacts | null;
  pool: PoolFacts;
}

export function startsOf({ target, before, view }: StartsRequest): Start[] {
  return target.map((pool) => {
    const from = startOf(pool, before, view);
    const live = view?.serving[pool.name] ?? from;
    if (!pool.scaling || live === null) return { from, pool };
    // An autoscaled pool is planned for what it has now, and not for what it once began with.
    const replicas = sizeLike(live, pool);
    return { from: from && { ...from, replicas: live.replicas }, pool: { ...pool, replicas } };
  });
}

/** The pools that the rollout moves. */
export function movingOf(starts: readonly Start[]): Start[] {
  return starts.filter(({ from, pool }) => from?.revision !== pool.revision);
}

function startOf(pool: PoolFacts, before: PoolFacts[] | null, view: ServiceView | null): PoolFacts | null {
  const declared = before?.find(({ name }) => name === pool.name) ?? null;
  if (view === null) return declared;
  const serving = view.serving[pool.name] ?? null;
  // A light change is already in what serves when `up` asks, so only the last declaration still shows it. What runs, on
  // the other hand, is not what was declared last under an explicit version that stayed the same.
  if (declared !== null && serving !== null && declared.revision === serving.revision) {
    return { ...declared, parts: serving.parts };
  }
  return before === null && serving?.revision === pool.revision ? null : serving;
}
