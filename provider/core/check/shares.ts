import { isGreater, readyOf, type Share, type World, type WorldRollout } from "./world";

/** Pools that have both versions. One that begins or ends with the rollout has no shares to keep. */
export function poolsWithBoth({ pools, revisions }: WorldRollout): WorldRollout["pools"] {
  return pools.filter(({ name, from, to }) => from > 0 && to > 0 && revisions[name] !== undefined);
}

/** Ready replicas of one version of a pool, of those that it has in steady state. */
export function readyShare(
  world: World,
  { revisions }: WorldRollout,
  pool: WorldRollout["pools"][number],
  version: "from" | "to",
): Share {
  return { part: readyOf(world, pool.name, revisions[pool.name]?.[version] ?? null).length, whole: pool[version] };
}

/** True when every pool has the ready replicas of that version which the share needs. */
export function stands(world: World, rollout: WorldRollout, version: "from" | "to", share: Share): boolean {
  return poolsWithBoth(rollout).every((pool) => !isGreater(share, readyShare(world, rollout, pool, version)));
}
