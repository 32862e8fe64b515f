import type { Draft } from "../draft";
import type { PlannedPool } from "../plan/states";
import { weighed } from "../plan/units";

/**
 * Steady states of both versions as they are wanted now (A9). The primary's is what it was when the rollout began (A13),
 * but where it goes with the load. A side that the pool does not have stays away.
 */
export function sizesNow(draft: Draft, pool: PlannedPool): PlannedPool {
  const { primary, canary } = draft.pool(pool.name);
  const from = pool.from > 0 && primary?.scaling ? primary.replicas : pool.from;
  const { weights, ...numbers } = { ...pool, from, to: canary?.replicas ?? pool.to };
  if (canary === null) return weights ? { ...numbers, weights } : numbers;
  return { ...numbers, ...weighed(primary?.capacityWeight, canary.capacityWeight) };
}

/** Whether load has come that the plan is not made for. What is declared by number waits for the next settled state. */
export function needsMore(draft: Draft): boolean {
  return draft.state.rollout!.pools.some((pool) => {
    const { primary, canary } = draft.pool(pool.name);
    const { from, to } = sizesNow(draft, pool);
    return (primary?.scaling && from > pool.from) || (canary?.scaling && pool.to > 0 && to > pool.to);
  });
}
