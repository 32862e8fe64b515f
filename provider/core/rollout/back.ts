import type { Draft } from "../draft";
import type { Census } from "../fleet/census";
import { SHARES, type PoolGoal, type Weights } from "../goals";
import type { RolloutProgress } from "../state";

/**
 * The safe rollback: the primary is restored first, as many at once as the cap allows (A8: it binds here too), and
 * traffic returns only as fast as the primary is ready to take it. A canary that is not ready carries nothing, so it
 * goes at once and makes room.
 */
export function backwardWeights(draft: Draft, rollout: RolloutProgress, census: Record<string, Census>): Weights {
  let needed: Weights = { canary: 0, primary: 100 };
  let canaryDead = false;
  for (const { name, from, to } of rollout.pools) {
    const { primary, canary } = census[name]!;
    if (from === 0) continue;
    if (to > 0 && canary.ready.length === 0) canaryDead = true;
    const missing = Math.max(0, from - primary.ready.length);
    const share = { canary: missing, primary: from - missing };
    if (share.canary * needed.primary > needed.canary * share.primary) needed = share;
  }
  // Nothing is gained by sending requests to a version with no ready replica, whatever the primary can carry.
  if (canaryDead) return { canary: 0, primary: 100 };
  const { weights } = draft.state.routing;
  return needed.canary * weights.primary < weights.canary * needed.primary ? needed : weights;
}

export function backwardGoal(
  rollout: RolloutProgress,
  { name, from, to }: RolloutProgress["pools"][number],
  weights: Weights,
): PoolGoal {
  const total = weights.canary + weights.primary;
  return {
    primary: { replicas: from, steady: from },
    canary: { replicas: Math.ceil((to * weights.canary) / total), steady: to },
    weights,
    keeps: SHARES,
    exchange: "newVm",
    cap: rollout.cap[name]!,
    moving: true,
    leaving: false,
  };
}

/** Over when no canary is left and all traffic is the primary's; what is missing of it is restored afterwards too. */
export function backOver(draft: Draft, rollout: RolloutProgress, census: Record<string, Census>): boolean {
  const { routing } = draft.state;
  if (routing.weights.canary > 0 || routing.inForce !== routing.generation) return false;
  return rollout.pools.every(({ name }) => census[name]!.canary.all.length === 0);
}
