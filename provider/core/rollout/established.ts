import type { Draft } from "../draft";
import type { Census, Count } from "../fleet/census";
import type { Weights } from "../goals";
import type { ObservedDataPlane } from "../observed";
import type { PlanState } from "../plan/states";
import type { RolloutProgress } from "../state";

/**
 * A state is established when the side that grows is ready, its weights are in force, and nothing of the side that
 * shrinks is left beyond its number, ending ones included: the next UP needs their place under the cap (A6). Replicas
 * that are missing of the shrinking side do not hold it up, so that one can roll forward away from a broken primary.
 */
export function established(
  draft: Draft,
  rollout: RolloutProgress,
  census: Record<string, Census>,
  plane: ObservedDataPlane | null,
): boolean {
  const { routing } = draft.state;
  if (plane === null || plane.generation !== routing.generation) return false;
  const goal = rollout.plan[rollout.cursor]!;
  // Where a plan begins is no aim: after a replan to more replicas what stands there cannot carry its share any more, nor
  // can what is left when there has been made room for the others.
  const isAim = goal.kind !== "start" && carriesItself(rollout, goal);
  if (isAim && sharesWeights(rollout) && !sameShare(routing.weights, goal.weights)) return false;
  // Nor is it on the way back, where replicas that were lost meanwhile may have no room any more: the next state makes it.
  if (goal.kind === "start" && rollout.direction.kind === "back") return true;
  return rollout.pools.every(({ name }) => {
    const { canary, primary, stale } = census[name]!;
    const counts = goal.pools[name]!;
    const grown = (side: Count, count: number) => side.ready.length >= count;
    const shrunk = (side: Count, count: number) => side.all.length <= count;
    const arrived =
      rollout.growing === "canary"
        ? grown(canary, counts.canary) && shrunk(primary, counts.primary)
        : grown(primary, counts.primary) && shrunk(canary, counts.canary);
    return arrived && stale.all.length === 0;
  });
}

/** Whether each version has the replicas that its share of the traffic asks for. */
function carriesItself({ pools }: RolloutProgress, { pools: counts, weights }: PlanState): boolean {
  const whole = weights.canary + weights.primary;
  return pools.every(({ name, from, to }) => {
    const { canary, primary } = counts[name]!;
    return (
      from === 0 || to === 0 || (canary * whole >= weights.canary * to && primary * whole >= weights.primary * from)
    );
  });
}

/** One split for all pools, set by the plan; a rolling or in-place rollout lets each ready replica have its share. */
export function sharesWeights({ strategy }: RolloutProgress): boolean {
  switch (strategy.kind) {
    case "surge":
    case "blueGreen":
      return true;
    case "rolling":
    case "inPlace":
      return false;
  }
}

export function sameShare(a: Weights, b: Weights): boolean {
  return a.canary * b.primary === b.canary * a.primary;
}
