import type { Draft } from "../draft";
import type { Census } from "../fleet/census";
import { ALL_PRIMARY, type Weights } from "../goals";
import { unitsOfAll } from "../plan/units";
import type { RolloutProgress } from "../state";
import { backwardWeights, primaryFails } from "./back";

/** How the traffic is shared out now, whatever the plan hopes for. */
export function weightsNow(draft: Draft, rollout: RolloutProgress, census: Record<string, Census>): Weights {
  const { kind } = rollout.strategy;
  switch (kind) {
    case "surge":
      if (rollout.direction.kind === "back" && rollout.direction.walk === "continuous") {
        return backwardWeights(draft, rollout, census);
      }
      return affordableWeights(rollout, census, draft.state.routing.weights);
    case "blueGreen":
      return undividedWeights(draft, rollout, census);
    case "rolling":
    case "inPlace":
      return readyWeights(rollout, census);
  }
}

/**
 * The plan's weights, lowered for the side that grows where it lost ready replicas (A22: the weight falls before
 * anything else happens), so far that no pool has too few of it. They are never raised above the plan, even when the
 * other side is the one that lost. Where no split suits all pools, each side is short in the same proportion.
 */
function affordableWeights(rollout: RolloutProgress, census: Record<string, Census>, inForce: Weights): Weights {
  const backward = rollout.growing === "primary";
  const planned = rollout.plan[rollout.cursor]!.weights;
  let growing = backward ? planned.primary : planned.canary;
  let shrinking = backward ? planned.canary : planned.primary;
  const { grown, left } = fewestOf(rollout, census);
  if (isLess(grown, { ready: growing, full: growing + shrinking })) {
    const enough = !isLess(left, { ready: grown.full - grown.ready, full: grown.full });
    const lowered = enough
      ? { growing: grown.ready, shrinking: grown.full - grown.ready }
      : { growing: grown.ready * left.full, shrinking: left.ready * grown.full };
    if (lowered.growing * shrinking < growing * lowered.shrinking) ({ growing, shrinking } = lowered);
  }
  if (!backward) return { canary: growing, primary: shrinking };
  const afforded = { canary: shrinking, primary: growing };
  // Less of the canary is wanted: what the primary lost is restored, and not made up for by more of the canary. Nor could
  // the plan go on: it waits for the split that it began at.
  const lowered = rollout.direction.kind === "forward";
  return lowered && afforded.canary * inForce.primary > inForce.canary * afforded.primary ? inForce : afforded;
}

/** Ready replicas of one side of a pool, of those that carry everything. */
interface Ready {
  ready: number;
  full: number;
}

const WHOLE: Ready = { ready: 1, full: 1 };

/** What each side has in the pool where it has the smallest part; a pool that one side serves alone has no split. */
function fewestOf({ pools, growing }: RolloutProgress, census: Record<string, Census>): { grown: Ready; left: Ready } {
  let fewest = { grown: WHOLE, left: WHOLE };
  for (const { name, from, to } of pools) {
    if (to === 0 || from === 0) continue;
    const canary = { ready: census[name]!.canary.ready.length, full: to };
    const primary = { ready: census[name]!.primary.ready.length, full: from };
    const [grown, left] = growing === "canary" ? [canary, primary] : [primary, canary];
    if (left.ready === 0) continue;
    fewest = {
      grown: isLess(grown, fewest.grown) ? grown : fewest.grown,
      left: isLess(left, fewest.left) ? left : fewest.left,
    };
  }
  return fewest;
}

function isLess(one: Ready, other: Ready): boolean {
  return one.ready * other.full < other.ready * one.full;
}

const ALL_CANARY: Weights = { canary: 100, primary: 0 };

/**
 * blueGreen: one version has everything. Going back, the primary gets it when it is whole again, or the canary is dead.
 * One that does not stay up by itself may never be whole in all pools at once: where it has nobody, the canary stands in.
 */
function undividedWeights(draft: Draft, rollout: RolloutProgress, census: Record<string, Census>): Weights {
  const both = rollout.pools.filter(({ from, to }) => from > 0 && to > 0);
  const alive = (side: "canary" | "primary") => both.every(({ name }) => census[name]![side].ready.length > 0);
  const { direction } = rollout;
  if (direction.kind === "forward") {
    const { weights } = rollout.plan[rollout.cursor]!;
    if (weights.canary === 0 || !alive("primary")) return weights;
    // A canary that was lost after the cut-over is cut over to again only when it is whole.
    const serves = draft.state.routing.weights.canary > 0;
    const takes = serves ? alive("canary") : both.every(({ name, to }) => census[name]!.canary.ready.length >= to);
    return takes ? weights : ALL_PRIMARY;
  }
  if (draft.state.routing.weights.canary === 0) return ALL_PRIMARY;
  const fails = primaryFails(draft, rollout);
  const whole = both.every(({ name, from }) => {
    const ready = census[name]!.primary.ready.length;
    return ready >= from || (fails && ready === 0);
  });
  if (whole) return ALL_PRIMARY;
  const back = !alive("canary") || direction.mode.mode === "immediate";
  return back && alive("primary") ? ALL_PRIMARY : ALL_CANARY;
}

/** For the display, and for what asks how much the canary carries; each pool's own split is made where it is routed. */
function readyWeights(rollout: RolloutProgress, census: Record<string, Census>): Weights {
  const scale = unitsOfAll(rollout.pools);
  const sum = (side: "canary" | "primary") =>
    rollout.pools.reduce((total, { name }) => total + census[name]![side].ready.length * scale[name]![side], 0);
  const weights = { canary: sum("canary"), primary: sum("primary") };
  return weights.canary + weights.primary === 0 ? rollout.plan[rollout.cursor]!.weights : weights;
}
