import type { Begin, Path, PlannedPool } from "./states";
import { fromStart, Walk } from "./walk";

/**
 * A whole second fleet beside the first, then all traffic in one generation: no request meets both versions in turn.
 * The cut-over is where bake and gates wait, because the primary is still up then and takes the traffic back at once.
 */
export function planBlueGreen(pools: readonly PlannedPool[], begin: Begin = fromStart(pools)): Path {
  const cap = Object.fromEntries(pools.map(({ name, from, to }) => [name, from + to]));
  const walk = new Walk(pools, begin);
  walk.percent = 100;
  // Only where there are more of a version than the program still asks for: they stand where the others must fit.
  walk.visit("down", () => {
    for (const pool of pools) {
      const { canary, primary } = walk.of(pool);
      walk.set(pool, { canary: Math.min(canary, pool.to), primary: Math.min(primary, pool.from) });
    }
  });
  walk.visit("up", () => {
    for (const pool of pools) walk.set(pool, { canary: pool.to });
  });
  walk.visit("cutOver", () => (walk.weights = { canary: 100, primary: 0 }));
  walk.visit("down", () => {
    for (const pool of pools) walk.set(pool, { canary: pool.to, primary: 0 });
  });
  walk.settle();
  return { cap, floor: null, states: walk.states };
}
