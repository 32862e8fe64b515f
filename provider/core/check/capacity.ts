import { floorKept } from "./floor";
import { lastLeaving } from "./moves";
import type { WorldRollout } from "./rollout";
import { canaryShare, isGreater, rest, show } from "./share";
import { poolsWithBoth, readyShare, readyVersion, stands } from "./shares";
import { violation, type InvariantCheck, type Step, type Violation } from "./step";
import { readyOf, type World } from "./world";

/**
 * Where versions keep their shares, no weight is raised above the ready share of its version, and no drain takes ready
 * capacity below the share that the version carries. When the world has taken the other version's capacity, in
 * whichever pool, its traffic may flee here: that is the repair window. An immediate rollback gives all of that up by
 * declaration. A rolling or in-place rollout has a floor instead, in every direction.
 */
export const capacity: InvariantCheck = (step) => {
  const { rollout, deleting } = step.after;
  // A service that is being deleted has no capacity to keep.
  if (rollout === null || deleting) return [];
  if (rollout.floor !== null) return floorKept(step, rollout, rollout.floor);
  const cutOver = rollout.strategy === "blueGreen" ? cutOverShort(step, rollout) : [];
  if (rollout.mode === "immediate") return cutOver;
  return [...raisedWeights(step, rollout), ...drainedShares(step, rollout), ...cutOver];
};

const VERSIONS = [
  {
    side: "canary",
    version: "to",
    other: "from",
    share: (world: World, pool: string) => canaryShare(world.routed[pool]),
  },
  {
    side: "primary",
    version: "from",
    other: "to",
    share: (world: World, pool: string) => rest(canaryShare(world.routed[pool])),
  },
] as const;

function raisedWeights(step: Step, rollout: WorldRollout): Violation[] {
  const { before, after } = step;
  const routed = step.events.findLast((event) => event.kind === "routed");
  if (routed === undefined) return [];
  const { faced } = step;
  return poolsWithBoth(rollout).flatMap((pool) =>
    VERSIONS.flatMap(({ side, version, other, share }) => {
      const was = share(before, pool.name);
      const is = share(after, pool.name);
      const ready = readyShare(after, rollout, pool, version);
      if (after.removed.has(pool.name) || !isGreater(is, was) || !isGreater(is, ready)) return [];
      if (!stands(faced, rollout, other, rest(was))) return [];
      const sentence =
        `The ${side} of pool "${pool.name}" was given ${show(is)} of the traffic ` +
        `with ${ready.part} of ${ready.whole} replicas ready.`;
      return [violation("capacity", routed, sentence)];
    }),
  );
}

/** blueGreen cuts over to what is wanted then, so that a number which was declared meanwhile is there before. */
function cutOverShort({ before, faced, after, events }: Step, rollout: WorldRollout): Violation[] {
  const routed = events.findLast((event) => event.kind === "routed");
  if (routed === undefined || rollout.direction === "back") return [];
  return poolsWithBoth(rollout).flatMap((pool) => {
    const wanted = rollout.renumbered[pool.name];
    const share = canaryShare(after.routed[pool.name]);
    // What is given back after a loss is no cut-over, nor what is given to it as the primary has nobody left.
    const first = share.part > 0 && (before.rollout?.reached[pool.name]?.part ?? 0) === 0;
    const ready = readyVersion(after, rollout, pool.name, "to");
    if (wanted === undefined || !first || ready >= wanted || after.removed.has(pool.name)) return [];
    if (!stands(faced, rollout, "from", ALL)) return [];
    const sentence = `The canary of pool "${pool.name}" was cut over to with ${ready} replicas ready; ${wanted} were declared.`;
    return [violation("capacity", routed, sentence)];
  });
}

const ALL = { part: 1, whole: 1 };

function drainedShares(step: Step, rollout: WorldRollout): Violation[] {
  const { events, after } = step;
  const { faced } = step;
  return poolsWithBoth(rollout).flatMap((pool) =>
    VERSIONS.flatMap(({ side, version, share }) => {
      const revision = rollout.revisions[pool.name]?.[version] ?? null;
      const drain = lastLeaving(events, readyOf(faced, pool.name, revision));
      const left = readyShare(after, rollout, pool, version);
      const carries = share(after, pool.name);
      if (drain === undefined || after.removed.has(pool.name) || !isGreater(carries, left)) return [];
      const sentence =
        `A drain left ${left.part} of ${left.whole} ${side} replicas of pool "${pool.name}" ready, ` +
        `for ${show(carries)} of the traffic.`;
      return [violation("capacity", drain, sentence)];
    }),
  );
}
