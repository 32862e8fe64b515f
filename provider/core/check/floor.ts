import type { ServeEvent } from "../events";
import { capacityOf, isWeighted, unitsOf } from "../plan/units";
import { lastLeaving } from "./moves";
import type { WorldRollout } from "./rollout";
import { poolsWithBoth, readyVersion } from "./shares";
import { violation, type Step, type Violation } from "./step";
import { readyOf, type World } from "./world";

/**
 * Capacity of a rolling or in-place rollout: no move of ours leaves fewer ready replicas, of both versions together,
 * than the floor; and each routed replica has its share of the traffic, whichever version it is of.
 */
export function floorKept(step: Step, rollout: WorldRollout, floor: Readonly<Record<string, number>>): Violation[] {
  const { events, after } = step;
  const { faced } = step;
  const broken = Object.entries(floor).flatMap(([pool, least]) => {
    if (after.removed.has(pool)) return [];
    const { left, what } = leftIn(after, rollout, pool);
    const drain = lastLeaving(events, readyOfBoth(faced, rollout, pool));
    if (drain === undefined || left >= least) return [];
    const sentence = `A drain left ${left} ${what} in pool "${pool}"; rollout ${rollout.id} keeps ${least}.`;
    return [violation("capacity", drain, sentence)];
  });
  const routed = events.findLast((event) => event.kind === "routed");
  return routed === undefined ? broken : [...broken, ...unequalReplicas(routed, rollout)];
}

/** In the unit of the rollout's floor: replicas, or capacity where the versions' replicas differ in it. */
function leftIn(world: World, rollout: WorldRollout, pool: string): { left: number; what: string } {
  const planned = rollout.pools.find(({ name }) => name === pool);
  if (planned === undefined || !isWeighted(planned))
    return { left: readyOfBoth(world, rollout, pool).length, what: "ready replicas" };
  const ready = {
    canary: readyVersion(world, rollout, pool, "to"),
    primary: readyVersion(world, rollout, pool, "from"),
  };
  return { left: capacityOf(ready, unitsOf(planned)), what: "units of ready capacity" };
}

function unequalReplicas(routed: Extract<ServeEvent, { kind: "routed" }>, rollout: WorldRollout): Violation[] {
  return poolsWithBoth(rollout).flatMap((pool) => {
    const { canary = null, primary = null } = routed.pools[pool.name] ?? {};
    const weights = { canary: canary?.weight ?? 0, primary: primary?.weight ?? 0 };
    const replicas = { canary: canary?.replicas.length ?? 0, primary: primary?.replicas.length ?? 0 };
    const units = unitsOf(pool);
    if (weights.canary * replicas.primary * units.primary === weights.primary * replicas.canary * units.canary) {
      return [];
    }
    const each = isWeighted(pool) ? ` of weights ${units.canary}:${units.primary}` : "";
    const sentence =
      `Pool "${pool.name}" has weights ${weights.canary}:${weights.primary} ` +
      `with ${replicas.canary} canaries and ${replicas.primary} primaries${each} in the routing.`;
    return [violation("capacity", routed, sentence)];
  });
}

function readyOfBoth(world: World, { revisions }: WorldRollout, pool: string): { id: string }[] {
  const versions = [revisions[pool]?.from, revisions[pool]?.to];
  return readyOf(world, pool, null).filter(({ revision }) => versions.includes(revision));
}
