import { facedWorld, violation, type InvariantCheck } from "./step";
import { canaryShare, isGreater, type Share } from "./world";
import { poolsWithBoth, stands } from "./shares";

/**
 * Forward, the canary's share never falls and never rises by more than the surge above what it had reached; going back
 * it never rises. Where the world took capacity that a share stood on, in whichever pool, the share may fall with it
 * and come back.
 */
export const monotoneTraffic: InvariantCheck = (step) => {
  const { before, after, events } = step;
  const rollout = after.rollout;
  const routed = events.findLast((event) => event.kind === "routed");
  if (rollout === null || routed === undefined || after.deleting) return [];
  const carried = before.rollout?.id === rollout.id ? before : null;
  return poolsWithBoth(rollout).flatMap(({ name: pool }) => {
    const was = carried === null ? { part: 0, whole: 1 } : canaryShare(carried.routed[pool]);
    const is = canaryShare(after.routed[pool]);
    const broken = (sentence: string) => [violation("monotoneTraffic", routed, `Pool "${pool}": ${sentence}`)];
    switch (rollout.direction) {
      case "forward": {
        if (isGreater(was, is) && stands(facedWorld(step), rollout, "to", was)) {
          return broken(`the canary's traffic fell from ${show(was)} to ${show(is)} without a loss.`);
        }
        const reached = carried?.rollout?.reached[pool] ?? was;
        if (!jumpsBeyond(reached, is, rollout.maxShiftPercent)) return [];
        const limit = `by more than ${rollout.maxShiftPercent} %`;
        return broken(`the canary's traffic jumped from ${show(reached)} to ${show(is)}, ${limit}.`);
      }
      case "back": {
        const primary = { part: was.whole - was.part, whole: was.whole };
        if (!isGreater(is, was) || !stands(facedWorld(step), rollout, "from", primary)) return [];
        return broken(`the canary's traffic rose from ${show(was)} to ${show(is)} in a rollback.`);
      }
    }
  });
};

function jumpsBeyond(from: Share, to: Share, percent: number): boolean {
  return 100 * (to.part * from.whole - from.part * to.whole) > percent * from.whole * to.whole;
}

function show({ part, whole }: Share): string {
  return `${part}/${whole}`;
}
