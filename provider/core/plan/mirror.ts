import type { Begin, Path, PlannedPool } from "./states";

/**
 * The way back is the way forward with the roles swapped: a planner is given its pools and its begin in the mirror, and
 * what it plans is read in the mirror again.
 */
export function mirrorPools(pools: readonly PlannedPool[]): PlannedPool[] {
  return pools.map(({ name, from, to, weights }) => ({
    name,
    from: to,
    to: from,
    ...(weights && { weights: { from: weights.to, to: weights.from } }),
  }));
}

export function mirrorBegin({ percent, pools, weights }: Begin): Begin {
  return { percent: 100 - percent, pools: mirrorCounts(pools), weights: swap(weights) };
}

/** Nothing waits on a way back: it is gone because something is wrong, and a gate must not stop it. */
export function mirrorPath({ cap, floor, states }: Path): Path {
  return {
    cap,
    floor,
    states: states.map(({ kind, percent, pools, weights }) => ({
      kind,
      percent: 100 - percent,
      pools: mirrorCounts(pools),
      weights: swap(weights),
      settled: false,
    })),
  };
}

function mirrorCounts(pools: Begin["pools"]): Begin["pools"] {
  return Object.fromEntries(Object.entries(pools).map(([name, counts]) => [name, swap(counts)]));
}

function swap({ canary, primary }: { canary: number; primary: number }): { canary: number; primary: number } {
  return { canary: primary, primary: canary };
}
