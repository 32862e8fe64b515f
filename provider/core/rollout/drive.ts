import type { Draft } from "../draft";
import { takeCensus, type Census } from "../fleet/census";
import { steadyGoal } from "../fleet/pools";
import { ALL_PRIMARY, SHARES, type Goals, type PoolGoal } from "../goals";
import type { Intent } from "../intent";
import type { Observed } from "../observed";
import type { RolloutProgress } from "../state";
import { backOver, backwardGoal, backwardWeights } from "./back";
import { dropRollout, endRollback, promote } from "./finish";
import { advance, affordableWeights } from "./forward";
import { beginRollout } from "./start";
import { freshCommands } from "./commands";
import { turnBack } from "./turn";

/** Starts, moves, turns or ends the rollout, and says what every pool should be now. */
export function driveRollout(draft: Draft, intent: Intent, observed: Observed): Goals {
  if (draft.state.rollout !== null && (intent.service.deleting || losesPool(draft, intent))) {
    dropRollout(draft, "what it moves is being deleted");
  }
  if (!intent.service.deleting) {
    obeyCommands(draft, intent);
    const declared = intent.rollout;
    // Without a driver an unfinished rollout holds where it is.
    if (declared?.driving) {
      if (draft.state.rollout !== null) carryOn(draft, intent, observed);
      if (draft.state.rollout === null) beginRollout(draft, intent, declared);
    }
  }
  // Whatever it was, an abort is over with this tick: it must not hit the next rollout.
  draft.state.commandsSeen = intent.commands.seq;
  return goalsNow(draft, intent);
}

/** A rollout whose pool is being deleted has nothing left to arrive at; Pulumi deletes the Rollout before its pools. */
function losesPool(draft: Draft, intent: Intent): boolean {
  const pools = draft.state.rollout?.pools ?? [];
  return pools.some(({ name }) => draft.state.pools[name] === undefined || (intent.pools[name]?.deleting ?? true));
}

function obeyCommands(draft: Draft, intent: Intent): void {
  if (!freshCommands(draft, intent).some(({ kind }) => kind === "retry")) return;
  for (const key of Object.keys(draft.state.rejected)) draft.say({ kind: "rejectionCleared", targetKey: key });
  draft.state.rejected = {};
}

function carryOn(draft: Draft, intent: Intent, observed: Observed): void {
  const census = takeCensus(draft.state);
  turnBack(draft, intent, census);
  const rollout = draft.state.rollout!;
  switch (rollout.direction.kind) {
    case "forward":
      if (advance(draft, census, observed.dataplane)) promote(draft);
      break;
    case "back":
      if (backOver(draft, rollout, census)) endRollback(draft);
      break;
  }
}

function goalsNow(draft: Draft, intent: Intent): Goals {
  const pools: Record<string, PoolGoal> = {};
  for (const name of Object.keys(draft.state.pools)) pools[name] = steadyGoal(draft, intent, name);
  const { rollout } = draft.state;
  if (rollout === null) return { pools, weights: ALL_PRIMARY };

  const census = takeCensus(draft.state);
  notePeak(draft, rollout, census);
  switch (rollout.direction.kind) {
    case "forward": {
      const state = rollout.plan[rollout.cursor]!;
      const weights = affordableWeights(draft, state.weights, census);
      for (const { name, from, to } of rollout.pools) {
        const { canary, primary } = state.pools[name]!;
        pools[name] = {
          primary: { replicas: primary, steady: from },
          canary: { replicas: canary, steady: to },
          weights,
          keeps: SHARES,
          exchange: "newVm",
          cap: rollout.cap[name]!,
          moving: true,
          leaving: false,
        };
      }
      return { pools, weights };
    }
    case "back": {
      const weights = backwardWeights(draft, rollout, census);
      for (const pool of rollout.pools) pools[pool.name] = backwardGoal(rollout, pool, weights);
      return { pools, weights };
    }
  }
}

function notePeak(draft: Draft, rollout: RolloutProgress, census: Record<string, Census>): void {
  const now = rollout.pools.reduce((sum, { name }) => sum + census[name]!.total, 0);
  if (now > rollout.peakReplicas) draft.state.rollout = { ...draft.state.rollout!, peakReplicas: now };
}
