import type { Census } from "../fleet/census";
import type { Weights } from "../goals";
import type { PlannedPool } from "../plan/states";
import type { RolloutProgress, RoutingState } from "../state";
import { ALL_PRIMARY } from "../goals";

const ALL_CANARY: Weights = { canary: 100, primary: 0 };

/**
 * The split of one pool, which is the rollout's but where all of the primary was lost and the canary serves alone. The
 * primary comes back from there one by one, and gets no more than it has ready: with its whole share at once the first
 * of them would break down under the requests of those that are not there yet, while the canary could still take them.
 * So it is with the canary of a blueGreen rollout that lost all of its replicas after the cut-over.
 */
export function splitOf(
  rollout: RolloutProgress,
  { name, from, to }: PlannedPool,
  weights: Weights,
  { primary, canary }: Census,
  apart: RoutingState["apart"],
): Weights {
  if (from === 0 || to === 0 || canary.ready.length === 0 || takesAllAtOnce(rollout)) return weights;
  if (primary.ready.length === 0) return ALL_CANARY;
  const held = apart?.[name];
  // Going back, a canary that lost its traffic with its replicas gets none again (DESIGN 4): it is on its way out.
  if (held !== undefined && rollout.direction.kind === "back" && givesMore(weights, held)) return held;
  const ready = { canary: canary.ready.length, primary: primary.ready.length };
  const isBlueGreen = rollout.strategy.kind === "blueGreen";
  // A canary that was lost after the cut-over is cut over to again only when it carries more than who stood in for it.
  if (held !== undefined && isBlueGreen && givesMore(weights, held)) {
    const takes = ready.canary >= to || ready.canary * from > ready.primary * to;
    return takes ? weights : ALL_PRIMARY;
  }
  const carries = ready.primary * (weights.canary + weights.primary) >= weights.primary * from;
  if (held === undefined || carries) return weights;
  if (isBlueGreen) {
    return ready.primary * to >= ready.canary * from ? ALL_PRIMARY : ALL_CANARY;
  }
  const enough = ready.primary * to + ready.canary * from >= from * to;
  const afforded = enough
    ? { canary: from - ready.primary, primary: ready.primary }
    : { canary: ready.canary * from, primary: ready.primary * to };
  if (!givesMore(afforded, weights)) return weights;
  return givesMore(afforded, held) ? held : afforded;
}

/** Whether the canary gets a larger share by one than by the other. */
export function givesMore(one: Weights, other: Weights): boolean {
  return one.canary * other.primary > other.canary * one.primary;
}

/** The seed's rollback, which gives the primary everything as soon as it has anything, by declaration. */
function takesAllAtOnce({ direction }: RolloutProgress): boolean {
  return direction.kind === "back" && direction.mode.mode === "immediate";
}
