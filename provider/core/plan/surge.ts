/**
 * Rule R (DESIGN section 4): the one function that makes the plan, for preview and for the rollout itself.
 *
 * Integers only. In every state and pool: steady state <= canary + primary <= cap, no version gets a larger share of
 * the traffic than its share of the replicas, and the canary's share only grows, by at most the surge a step. Where a
 * plan begins at counts that break one of these, no move of its own does, and its first moves mend them.
 */

import { mirrorBegin, mirrorPath, mirrorPools } from "./mirror";
import type { Begin, Path, PlannedPool } from "./states";
import { fromStart, Walk } from "./walk";

/** Ceiling of `percent` of `replicas`. In integers, because 0.07 * 100 is more than 7 as a float. */
export function up(replicas: number, percent: number): number {
  return Math.floor((replicas * percent + 99) / 100);
}

/** The most VMs of a pool during a rollout (A13: of the larger of both steady states). */
export function surgeCap(pool: PlannedPool, maxSurgePercent: number): number {
  return up(Math.max(pool.from, pool.to), 100 + maxSurgePercent);
}

/**
 * Every state of the rollout from `from` to `to` replicas of each pool.
 *
 * `endPercent` (default 100) is where it ends and waits; below 100 both versions stay, with one canary at least (A12),
 * at 0 for requests that name its version (A23). `begin` is where it starts when it does not start anew; an end below it
 * is reached by the same rule with the roles swapped.
 *
 * @example planSurge({ pools: [{ name: "chat", from: 4, to: 4 }], maxSurgePercent: 25 }).cap // { chat: 5 }
 * @throws RangeError when a number is no integer or the surge is outside 1..100.
 */
export function planSurge(input: {
  pools: readonly PlannedPool[];
  maxSurgePercent: number;
  begin?: Begin;
  endPercent?: number;
}): Path {
  const { pools, maxSurgePercent, begin = fromStart(pools), endPercent = 100 } = input;
  refuseNonsense(pools, maxSurgePercent, endPercent);
  const { canary, primary } = begin.weights;
  if (endPercent * (canary + primary) >= 100 * canary) {
    return climb({ pools, maxSurgePercent, begin, endPercent, spared: 0 });
  }
  const path = mirrorPath(
    climb({
      pools: mirrorPools(pools),
      maxSurgePercent,
      begin: mirrorBegin(begin),
      endPercent: 100 - endPercent,
      spared: 1,
    }),
  );
  path.states.at(-1)!.settled = true;
  return path;
}

/** The way back to the primary alone, by the same rule. */
export function planSurgeReturn(input: { pools: readonly PlannedPool[]; maxSurgePercent: number; begin: Begin }): Path {
  const { pools, maxSurgePercent, begin } = input;
  refuseNonsense(pools, maxSurgePercent, 0);
  return mirrorPath(
    climb({
      pools: mirrorPools(pools),
      maxSurgePercent,
      begin: mirrorBegin(begin),
      endPercent: 100,
      spared: 0,
    }),
  );
}

interface Climb {
  pools: readonly PlannedPool[];
  maxSurgePercent: number;
  begin: Begin;
  endPercent: number;
  /** Replicas of the primary of each pool that stay when it has no traffic any more. */
  spared: 0 | 1;
}

function climb({ pools, maxSurgePercent, begin, endPercent, spared }: Climb): Path {
  const cap = Object.fromEntries(pools.map((pool) => [pool.name, surgeCap(pool, maxSurgePercent)]));
  const walk = new Walk(pools, begin);
  const total = begin.weights.canary + begin.weights.primary;
  let settled = Math.min(endPercent, Math.floor((100 * begin.weights.canary) / total));
  let first = true;
  do {
    const next = Math.min(endPercent, settled + maxSurgePercent);
    walk.percent = next;
    const grown = (pool: PlannedPool) => {
      if (next === 0) return Math.min(1, pool.to);
      return pool.from === 0 ? pool.to : up(pool.to, next);
    };
    const grows = (pool: PlannedPool) => grown(pool) > walk.of(pool).canary;
    const fits = (pool: PlannedPool) => grown(pool) + walk.of(pool).primary <= cap[pool.name]!;
    if (first) mend(walk, pools, cap, grown);
    first = false;

    walk.visit("up", () => {
      for (const pool of pools) if (grows(pool) && fits(pool)) walk.set(pool, { canary: grown(pool) });
    });
    // Ascending share of canaries: a pool tightened later has at least the share that earlier ones set the traffic to.
    const tight = pools.filter(grows).sort((a, b) => walk.of(a).canary * b.to - walk.of(b).canary * a.to);
    for (const pool of tight) {
      const { canary } = walk.of(pool);
      const rest = pool.to - canary;
      walk.visit("tighten", () => (walk.weights = { canary, primary: rest }));
      walk.visit("tighten", () => walk.set(pool, { primary: besides(pool, canary) }));
      walk.visit("up", () => walk.set(pool, { canary: grown(pool) }));
    }
    walk.visit("shift", () => (walk.weights = { canary: next, primary: 100 - next }));
    walk.visit("down", () => {
      for (const pool of pools) {
        walk.set(pool, { primary: next === 100 ? Math.min(spared, pool.from) : atLeast(pool, next) });
        if (next === endPercent) walk.set(pool, { canary: grown(pool) });
      }
    });
    walk.settle();
    settled = next;
  } while (settled < endPercent);
  return { cap, floor: null, states: walk.states };
}

/** What the primary keeps; a pool that goes has no canary to take its share, so it stays whole until no traffic is left. */
function atLeast(pool: PlannedPool, percent: number): number {
  return pool.to === 0 ? pool.from : up(pool.from, 100 - percent);
}

/**
 * Brings each version up to its share of the traffic in force, which a begin may lack: N changed, replicas were lost, or
 * a step was left half way. Where that or the first step does not fit under the cap, what is there beyond its share goes
 * first; but where a pool lacks some, no other one makes room before it has it: the lack moves the split, and what is
 * beyond its share by the plan may be needed by that one. From a settled state there is nothing to do.
 */
function mend(
  walk: Walk,
  pools: readonly PlannedPool[],
  cap: Record<string, number>,
  grown: (pool: PlannedPool) => number,
): void {
  const { canary: heavy, primary: rest } = walk.weights;
  const shares = (pool: PlannedPool) => ({
    canary: pool.from === 0 && heavy > 0 ? pool.to : Math.ceil((pool.to * heavy) / (heavy + rest)),
    primary: pool.to === 0 && rest > 0 ? pool.from : Math.ceil((pool.from * rest) / (heavy + rest)),
  });
  const lacks = (pool: PlannedPool) => {
    const share = shares(pool);
    return walk.of(pool).canary < share.canary || walk.of(pool).primary < share.primary;
  };
  const lacking = pools.filter(lacks);
  const whole = pools.filter((pool) => !lacks(pool));
  const makeRoom = (some: readonly PlannedPool[]) => {
    for (const pool of some) {
      const share = shares(pool);
      let { canary, primary } = walk.of(pool);
      const canaries = Math.max(canary, share.canary, grown(pool));
      // Until the others are there, the primary carries what canaries lack of their share, as far as they have room beside it.
      const lacked = canary < share.canary ? besides(pool, canary) : 0;
      const carried = Math.max(share.primary, Math.min(lacked, cap[pool.name]! - share.canary));
      if (canary < canaries) primary = spare(primary, carried, cap[pool.name]! - canaries);
      if (primary < share.primary) canary = spare(canary, share.canary, cap[pool.name]! - share.primary);
      walk.set(pool, { canary, primary });
    }
  };
  walk.visit("down", () => makeRoom(lacking));
  walk.visit("up", () => {
    for (const pool of lacking) {
      const share = shares(pool);
      const { canary, primary } = walk.of(pool);
      walk.set(pool, { canary: Math.max(canary, share.canary), primary: Math.max(primary, share.primary) });
    }
  });
  walk.visit("down", () => makeRoom(whole));
}

/** Primaries that carry what so many canaries do not. */
function besides({ from, to }: PlannedPool, canary: number): number {
  return Math.ceil((from * (to - canary)) / to);
}

/** As many of `count` as there is room for, but never fewer than its share, nor more than there are. */
function spare(count: number, share: number, room: number): number {
  return Math.min(count, Math.max(share, room));
}

function refuseNonsense(pools: readonly PlannedPool[], maxSurgePercent: number, endPercent: number): void {
  if (!Number.isInteger(maxSurgePercent) || maxSurgePercent < 1 || maxSurgePercent > 100) {
    throw new RangeError(`maxSurgePercent must be a whole number from 1 to 100, not ${maxSurgePercent}`);
  }
  if (!Number.isInteger(endPercent) || endPercent < 0 || endPercent > 100) {
    throw new RangeError(`endPercent must be a whole number from 0 to 100, not ${endPercent}`);
  }
  for (const { name, from, to } of pools) {
    for (const count of [from, to]) {
      if (!Number.isInteger(count) || count < 0) {
        throw new RangeError(`replicas of pool "${name}" must be a whole number of at least 0, not ${count}`);
      }
    }
  }
  if (new Set(pools.map(({ name }) => name)).size < pools.length) {
    throw new RangeError("two pools have the same name");
  }
}
