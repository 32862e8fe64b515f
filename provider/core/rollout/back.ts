import type { Draft } from "../draft";
import type { Census } from "../fleet/census";
import { failsToStart } from "../fleet/failures";
import { ALL_PRIMARY, type Weights } from "../goals";
import type { RolloutProgress } from "../state";

/**
 * The continuous ways back. Safe: the primary is restored first, as many at once as the cap allows (A8: it binds here
 * too), and traffic returns only as fast as the primary is ready to take it; a canary that is not ready carries nothing,
 * so it goes at once and makes room. Immediate: the primary gets all traffic as soon as it has anything ready at all.
 * Pools whose primary does not stay up by itself may never have it ready at once: where it has nobody, no other pool
 * waits for it, as the canary stands in there.
 */
export function backwardWeights(draft: Draft, rollout: RolloutProgress, census: Record<string, Census>): Weights {
  let needed: Weights = { canary: 0, primary: 100 };
  let canaryDead = false;
  let primaryDead = false;
  const fails = primaryFails(draft, rollout);
  for (const { name, from, to } of rollout.pools) {
    const { primary, canary } = census[name]!;
    if (from === 0) continue;
    if (to > 0 && canary.ready.length === 0) canaryDead = true;
    else if (to > 0 && primary.ready.length === 0) {
      primaryDead = true;
      if (fails) continue;
    }
    const missing = Math.max(0, from - primary.ready.length);
    const share = { canary: missing, primary: from - missing };
    if (share.canary * needed.primary > needed.canary * share.primary) needed = share;
  }
  // Nothing is gained by sending requests to a version with no ready replica, whatever the primary can carry.
  if (canaryDead) return ALL_PRIMARY;
  const { direction } = rollout;
  if (direction.kind === "back" && direction.mode.mode === "immediate" && !primaryDead) return ALL_PRIMARY;
  const { weights } = draft.state.routing;
  return needed.canary * weights.primary < weights.canary * needed.primary ? needed : weights;
}

/** How many canaries the share that they still carry takes. */
export function canariesStillNeeded({ to }: RolloutProgress["pools"][number], weights: Weights): number {
  return Math.ceil((to * weights.canary) / (weights.canary + weights.primary));
}

/** Over when no canary is left and all traffic is the primary's; what is missing of it is restored afterwards too. */
export function backOver(draft: Draft, rollout: RolloutProgress, census: Record<string, Census>): boolean {
  const { routing } = draft.state;
  if (routing.weights.canary > 0 || routing.inForce !== routing.generation) return false;
  return nothingIsLeft(draft, rollout, census);
}

/**
 * Nothing of the canary, and no launch on its way that only the rollout's cap has room for: what drains of the primary
 * counts too, and when the rollout is over nobody would stop the cloud from making one VM more than the pool may have.
 * A canary under notice that is ready yet is the last one that serves its pool: without the rollout it had no route.
 */
export function nothingIsLeft(draft: Draft, { pools }: RolloutProgress, census: Record<string, Census>): boolean {
  return pools.every(({ name }) => {
    const { canary, primary, counted } = census[name]!;
    const fits = counted <= (draft.pool(name).primary?.replicas ?? 0);
    const gone = canary.all.length === 0 && canary.noticed.every(({ status }) => status !== "ready");
    return gone && (fits || primary.alive.every(({ status }) => status !== "launching"));
  });
}

/** It does not stay up by itself: a way back that waited for all of it to be ready at once might wait for ever. */
export function primaryFails(draft: Draft, { pools }: RolloutProgress): boolean {
  return pools.some(({ name }) => failsToStart(draft.pool(name)));
}
