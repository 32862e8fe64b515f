import { lastLeaving } from "./moves";
import type { WorldRollout } from "./rollout";
import { canaryShare } from "./share";
import { violation, type InvariantCheck } from "./step";
import { readyOf, type World } from "./world";

/** No action ends the last ready replica of either revision while a rollout still needs that revision. */
export const oneEach: InvariantCheck = (step) => {
  const { events, after } = step;
  const { rollout } = after;
  if (rollout === null || after.deleting) return [];
  const { faced } = step;
  return rollout.pools.flatMap(({ name: pool, from, to }) => {
    const revisions = rollout.revisions[pool];
    if (revisions === undefined || from === 0 || to === 0 || after.removed.has(pool)) return [];
    return neededRevisions(after, rollout, pool).flatMap((revision) => {
      if (readyOf(after, pool, revision).length > 0) return [];
      const ending = lastLeaving(events, readyOf(faced, pool, revision));
      if (ending === undefined) return [];
      return [
        violation(
          "oneEach",
          ending,
          `The last ready replica of revision ${revision} in pool "${pool}" was ended before rollout ${rollout.id} was over.`,
        ),
      ];
    });
  });
};

/**
 * Forward, the canary is needed to the end and the primary until it has no traffic; going back it is the other way
 * round. Where replicas share the traffic, the version that goes has its last wave like any other.
 */
function neededRevisions(world: World, rollout: WorldRollout, pool: string): string[] {
  const revisions = rollout.revisions[pool]!;
  const share = canaryShare(world.routed[pool]);
  const forward = rollout.direction === "forward";
  const shares = rollout.floor === null;
  const primary = !forward || (shares && share.part < share.whole) ? revisions.from : null;
  const canary = forward || (shares && share.part > 0) ? revisions.to : null;
  return [primary, canary].filter((revision) => revision !== null);
}
