import type { Draft } from "../draft";
import type { Census } from "../fleet/census";
import { steadyGoal } from "../fleet/pools";
import { ALL_PRIMARY, SHARES, type Goals, type Keeps, type PoolGoal, type Split, type Weights } from "../goals";
import type { Intent } from "../intent";
import type { PlannedPool } from "../plan/states";
import { isWeighted, unitsOf } from "../plan/units";
import type { RolloutProgress } from "../state";
import { canariesStillNeeded } from "./back";
import { sharesWeights } from "./established";
import { splitOf } from "./flight";
import { weightsNow } from "./weights";

/** What every pool should be now: its steady state, or what the rollout's present state says. */
export function goalsNow(draft: Draft, intent: Intent): Goals {
  const pools: Record<string, PoolGoal> = {};
  for (const name of Object.keys(draft.state.pools)) pools[name] = steadyGoal(draft, intent, name);
  const { rollout } = draft.state;
  if (rollout === null) return { pools, weights: ALL_PRIMARY };

  const census = draft.census();
  notePeak(draft, rollout, census);
  const weights = weightsNow(draft, rollout, census);
  for (const pool of rollout.pools) {
    const count = census[pool.name]!;
    const split = splitOf(rollout, pool, weights, count, draft.state.routing.apart);
    pools[pool.name] = movingGoal(rollout, pool, split, countsNow(rollout, pool, weights, split, count));
  }
  return { pools, weights };
}

function movingGoal(
  rollout: RolloutProgress,
  pool: PlannedPool,
  weights: Weights,
  counts: { canary: number; primary: number },
): PoolGoal {
  const { name, from, to } = pool;
  const shares: Split = sharesWeights(rollout) ? { kind: "shares", weights } : { kind: "byReplica" };
  const floor = rollout.floor?.[name];
  const keeps: Keeps = floor === undefined ? SHARES : { kind: "floor", ready: floor };
  return {
    primary: { replicas: counts.primary, steady: from },
    canary: { replicas: counts.canary, steady: to },
    split: shares,
    keeps,
    ...(isWeighted(pool) && { units: unitsOf(pool) }),
    exchange: rollout.strategy.kind === "inPlace" ? "restart" : "newVm",
    cap: rollout.cap[name]!,
    moving: true,
    leaving: false,
  };
}

function countsNow(rollout: RolloutProgress, pool: PlannedPool, weights: Weights, split: Weights, { canary }: Census) {
  const { direction, plan, cursor } = rollout;
  if (direction.kind === "back" && direction.walk === "continuous") {
    // Those that stand in for lost primaries stay for as long as they do, and are no reason to start more of them.
    const standIns = Math.min(canary.alive.length, canariesStillNeeded(pool, split));
    return { canary: Math.max(standIns, canariesStillNeeded(pool, weights)), primary: pool.from };
  }
  return plan[cursor]!.pools[pool.name]!;
}

function notePeak(draft: Draft, rollout: RolloutProgress, census: Record<string, Census>): void {
  const now = rollout.pools.reduce((sum, { name }) => sum + census[name]!.counted, 0);
  if (now > rollout.peakReplicas) draft.state.rollout = { ...draft.state.rollout!, peakReplicas: now };
}
