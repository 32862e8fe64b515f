import type { Draft } from "../draft";
import type { Census } from "../fleet/census";
import type { Weights } from "../goals";
import type { ObservedDataPlane } from "../observed";
import type { PlanState } from "../plan/states";
import type { RolloutProgress } from "../state";

/** Moves the cursor over every plan state that is established. True when the last one is: the rollout is over. */
export function advance(draft: Draft, census: Record<string, Census>, plane: ObservedDataPlane | null): boolean {
  const rollout = draft.state.rollout!;
  let { cursor } = rollout;
  while (established(draft, rollout, rollout.plan[cursor]!, census, plane)) {
    if (cursor === rollout.plan.length - 1) return true;
    cursor += 1;
    const state = rollout.plan[cursor]!;
    draft.say({ kind: "rolloutStep", rollout: rollout.id, step: cursor, steps: rollout.plan.length - 1, state });
  }
  if (cursor !== rollout.cursor) {
    draft.state.rollout = { ...rollout, cursor, cursorSince: draft.now };
    // A step forward is proof enough that the canary can start: a failure from here on begins a new row.
    for (const { name } of rollout.pools) if (draft.pool(name).failures) draft.patchPool(name, { failures: null });
  }
  return false;
}

/**
 * A state is established when its canaries are ready, its weights are in force, and no primary beyond its number is
 * left, ending ones included: the next UP needs their place under the cap (A6). Primaries that are missing do not hold
 * it up, so that one can roll forward away from a broken primary.
 */
function established(
  draft: Draft,
  rollout: RolloutProgress,
  goal: PlanState,
  census: Record<string, Census>,
  plane: ObservedDataPlane | null,
): boolean {
  const { routing } = draft.state;
  if (plane === null || plane.generation !== routing.generation) return false;
  if (!sameShare(routing.weights, goal.weights)) return false;
  return rollout.pools.every(({ name }) => {
    const { canary, primary, stale } = census[name]!;
    const counts = goal.pools[name]!;
    return canary.ready.length >= counts.canary && primary.all.length <= counts.primary && stale.all.length === 0;
  });
}

export function sameShare(a: Weights, b: Weights): boolean {
  return a.canary * b.primary === b.canary * a.primary;
}

/**
 * The plan's weights, lowered for the canary where it lost ready replicas (A22: the weight falls before anything else
 * happens). They are never raised above the plan, even when the primary is the one that lost.
 */
export function affordableWeights(draft: Draft, planned: Weights, census: Record<string, Census>): Weights {
  let weights = planned;
  for (const { name, from, to } of draft.state.rollout!.pools) {
    if (to === 0 || from === 0) continue;
    const canary = census[name]!.canary.ready.length;
    const primary = census[name]!.primary.ready.length;
    const carries = canary * (weights.canary + weights.primary) >= weights.canary * to;
    if (carries || (canary === 0 && primary === 0)) continue;
    const enough = canary * from + primary * to >= from * to;
    const lowered = enough ? { canary, primary: to - canary } : { canary: canary * from, primary: primary * to };
    if (lowered.canary * weights.primary < weights.canary * lowered.primary) weights = lowered;
  }
  return weights;
}
