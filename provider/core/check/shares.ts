import type { WorldRollout } from "./rollout";
import { isGreater, type Share } from "./share";
import { readyOf, type World } from "./world";

/** Pools that have both versions. One that begins or ends with the rollout has no shares to keep. */
export function poolsWithBoth({ pools, revisions }: WorldRollout): WorldRollout["pools"] {
  return pools.filter(({ name, from, to }) => from > 0 && to > 0 && revisions[name] !== undefined);
}

/** Ready replicas of one version of a pool, of those that it has in steady state. */
export function readyShare(
  world: World,
  rollout: WorldRollout,
  pool: WorldRollout["pools"][number],
  version: "from" | "to",
): Share {
  return { part: readyVersion(world, rollout, pool.name, version), whole: pool[version] };
}

/** Ready replicas of one version; none where the pool has no such version. */
export function readyVersion(world: World, { revisions }: WorldRollout, pool: string, version: "from" | "to"): number {
  const revision = revisions[pool]?.[version] ?? null;
  return revision === null ? 0 : readyOf(world, pool, revision).length;
}

/** True when every pool has the ready replicas of that version which the share needs. */
export function stands(world: World, rollout: WorldRollout, version: "from" | "to", share: Share): boolean {
  return poolsWithBoth(rollout).every((pool) => !isGreater(share, readyShare(world, rollout, pool, version)));
}
