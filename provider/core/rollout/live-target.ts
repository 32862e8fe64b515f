import { sameJson } from "../digest";
import type { Draft } from "../draft";
import type { PlannedPool } from "../plan/states";
import { replan } from "./replan";
import { sizesNow } from "./sizes";

/**
 * blueGreen cuts over to what is wanted then, so another number that is declared before counts at once: the canary has no
 * traffic that a step had to wait for, and nothing has been judged yet. In a pause nothing more begins, and it counts
 * when that is over.
 */
export function followNumbersToCutOver(draft: Draft): void {
  const { strategy, direction, paused, pools } = draft.state.rollout!;
  if (strategy.kind !== "blueGreen" || direction.kind === "back" || paused !== null) return;
  if (draft.state.routing.weights.canary > 0) return;
  const live = pools.map((pool) => declaredSizes(draft, pool));
  if (!sameJson(live, pools))
    replan(draft, "another number or weight of replicas is declared before the cut-over", live);
}

/** Where it goes with the load, more counts at once as everywhere, and fewer when a state has settled. */
function declaredSizes(draft: Draft, pool: PlannedPool): PlannedPool {
  const { primary, canary } = draft.pool(pool.name);
  const { from, to, ...rest } = sizesNow(draft, pool);
  return {
    ...rest,
    from: primary?.scaling ? Math.max(pool.from, from) : from,
    to: canary?.scaling ? Math.max(pool.to, to) : to,
  };
}
