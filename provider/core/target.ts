import { digest } from "./digest";
import type { RolloutTarget } from "./intent";
import type { PoolSpec } from "./spec/pool";

/** Names a rollout's target: the same specs give the same key, whatever the order of the pools. */
export function targetKey(target: RolloutTarget): string {
  const pools = Object.entries(target).sort(([a], [b]) => (a < b ? -1 : 1));
  return digest(pools.map(([name, { revision, specHash }]) => [name, revision, specHash]));
}

/** Hash over all pools' revisions: what the version ordinal counts. */
export function serviceRevision(pools: Iterable<Pick<PoolSpec, "name" | "revision">>): string {
  return digest([...pools].map(({ name, revision }) => [name, revision]).sort(([a], [b]) => (a! < b! ? -1 : 1)));
}

/** The target that these specs make. */
export function targetOf(specs: Iterable<PoolSpec>): RolloutTarget {
  return Object.fromEntries([...specs].map(({ name, revision, specHash }) => [name, { revision, specHash }]));
}
