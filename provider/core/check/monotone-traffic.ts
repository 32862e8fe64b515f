import type { PlannedPool } from "../plan/states";
import { unitsOf } from "../plan/units";
import { hasFled, type WorldRollout } from "./rollout";
import { canaryShare, isGreater, rest, show, type Share } from "./share";
import { poolsWithBoth, readyVersion, stands } from "./shares";
import { violation, type InvariantCheck } from "./step";
import type { World } from "./world";

/**
 * Forward, the canary's share never falls (but to a hold that was lowered) and never rises by more than the declared
 * shift above what it had reached; going back it never rises. Where the world took capacity that a share stood on, in
 * whichever pool, the share may fall with it and come back.
 */
export const monotoneTraffic: InvariantCheck = (step) => {
  const { before, after, events } = step;
  const rollout = after.rollout;
  const routed = events.findLast((event) => event.kind === "routed");
  if (rollout === null || routed === undefined || after.deleting) return [];
  const { faced } = step;
  const carried = before.rollout?.id === rollout.id ? before : null;
  return poolsWithBoth(rollout).flatMap((planned) => {
    const { name: pool } = planned;
    const was = carried === null ? { part: 0, whole: 1 } : canaryShare(carried.routed[pool]);
    const is = canaryShare(after.routed[pool]);
    // Where the world left the primary nobody, the canary serves all: that flight, and the return from it, say nothing.
    if (hasFled(before.routed[pool]) || hasFled(after.routed[pool])) return [];
    const sentence =
      rollout.floor === null
        ? sharesTurned(faced, rollout, pool, was, is)
        : replicasTurned(faced, rollout, planned, was, is);
    return sentence === null ? [] : [violation("monotoneTraffic", routed, `Pool "${pool}": ${sentence}`)];
  });
};

function sharesTurned(faced: World, rollout: WorldRollout, pool: string, was: Share, is: Share): string | null {
  switch (rollout.direction) {
    case "forward": {
      const most = faced.rollout?.reached[pool] ?? was;
      // Down from where the canary stood in for lost primaries, as those come back one by one: not below what was reached.
      const returns = faced.rollout?.fled.has(pool) === true;
      const fallsTo = returns ? most : was;
      if (isGreater(fallsTo, is) && !isLowered(rollout, is) && stands(faced, rollout, "to", was)) return fell(was, is);
      const reached = returns && isGreater(was, most) ? was : most;
      if (!jumpsBeyond(reached, is, rollout.maxShiftPercent)) return null;
      return `the canary's traffic jumped from ${show(reached)} to ${show(is)}, by more than ${rollout.maxShiftPercent} %.`;
    }
    case "back":
      if (isGreater(is, was)) return stands(faced, rollout, "from", rest(was)) ? rose(was, is) : null;
      return stands(faced, rollout, "to", was)
        ? droppedBeyond(rollout, faced.rollout?.descent?.reached[pool] ?? was, is)
        : null;
  }
}

/** A gradual way back is rule R mirrored: it has a step too. What was lost of the canary takes its traffic with it. */
function droppedBeyond({ mode, strategy, declared, descent }: WorldRollout, from: Share, to: Share): string | null {
  if (mode !== "gradual" || strategy !== "surge") return null;
  if (descent === null) return declared === null ? null : "it goes back gradually, and by which surge is not told.";
  if (!jumpsBeyond(to, from, descent.maxSurgePercent)) return null;
  return `the canary's traffic fell from ${show(from)} to ${show(to)}, by more than the ${descent.maxSurgePercent} % of a gradual way back.`;
}

/** By replicas the share goes where they go with what they carry, so only what our moves did to it can be wrong. */
function replicasTurned(faced: World, rollout: WorldRollout, pool: PlannedPool, was: Share, is: Share): string | null {
  const units = unitsOf(pool);
  const canary = readyVersion(faced, rollout, pool.name, "to") * units.canary;
  const primary = readyVersion(faced, rollout, pool.name, "from") * units.primary;
  if (canary + primary === 0) return null;
  const found = { part: canary, whole: canary + primary };
  switch (rollout.direction) {
    case "forward":
      return isGreater(was, is) && isGreater(found, is) ? fell(was, is) : null;
    case "back":
      return isGreater(is, was) && isGreater(is, found) ? rose(was, is) : null;
  }
}

/** A hold that was declared lower is gone down to, as its plan says. */
function isLowered({ replanned, growing }: WorldRollout, is: Share): boolean {
  if (growing === "primary") return true;
  return replanned !== null && !isGreater(replanned, is);
}

function jumpsBeyond(from: Share, to: Share, percent: number): boolean {
  return 100 * (to.part * from.whole - from.part * to.whole) > percent * from.whole * to.whole;
}

function fell(was: Share, is: Share): string {
  return `the canary's traffic fell from ${show(was)} to ${show(is)} without a loss.`;
}

function rose(was: Share, is: Share): string {
  return `the canary's traffic rose from ${show(was)} to ${show(is)} in a rollback.`;
}
