import { violation, type InvariantCheck } from "./step";
import { canaryShare, readyOf, type World, type WorldRollout } from "./world";

/** No action ends the last ready replica of either revision while a rollout still needs that revision. */
export const oneEach: InvariantCheck = ({ before, events, after }) => {
  const rollout = after.rollout;
  if (rollout === null || after.deleting) return [];
  return rollout.pools.flatMap(({ name: pool, from, to }) => {
    const revisions = rollout.revisions[pool];
    if (revisions === undefined || from === 0 || to === 0 || after.removed.has(pool)) return [];
    return neededRevisions(after, rollout, pool).flatMap((revision) => {
      if (readyOf(after, pool, revision).length > 0) return [];
      const last = readyOf(before, pool, revision).map(({ id }) => id);
      const ending = events.findLast(
        (event) =>
          (event.kind === "replicaDraining" || event.kind === "replicaTerminating") && last.includes(event.replica),
      );
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

/** Forward, the canary is needed to the end and the primary until it has no traffic; going back it is the other way round. */
function neededRevisions(world: World, rollout: WorldRollout, pool: string): string[] {
  const revisions = rollout.revisions[pool]!;
  const share = canaryShare(world.routed[pool]);
  const forward = rollout.direction === "forward";
  const primary = !forward || share.part < share.whole ? revisions.from : null;
  const canary = forward || share.part > 0 ? revisions.to : null;
  return [primary, canary].filter((revision) => revision !== null);
}
