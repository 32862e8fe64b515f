import type { InPlaceStrategy, RollingStrategy } from "../strategy";
import type { Begin, Path, PlannedPool } from "./states";
import { fromStart, Walk, type Counts } from "./walk";

/** What a wave may do in one pool. */
interface Wave {
  pool: PlannedPool;
  /** Replicas that both versions have in steady state, and that the waves go over; 0: the pool is new or goes. */
  both: number;
  size: number;
  /** The wave starts before the one that it replaces ends. */
  startsFirst: boolean;
}

/**
 * Replicas replaced in waves of a share of each pool, rounded down, at least one (Ray Serve: `max(int(0.2 * N), 1)`).
 * All pools take their waves together; one that is done rests. The floor of each pool holds in every state.
 *
 * Where N falls, the surplus goes first; where it grows, the extra replicas come last, when the new version has proved
 * itself. A new pool comes up before anything else, a pool that goes is the last to do so.
 */
export function planWaves(
  strategy: RollingStrategy | InPlaceStrategy,
  pools: readonly PlannedPool[],
  begin: Begin = fromStart(pools),
): Path {
  const waves = pools.map((pool) => waveOf(strategy, pool));
  const walk = new Walk(pools, begin);
  const visit: Walk["visit"] = (kind, change) =>
    walk.visit(kind, () => {
      change();
      walk.weights = forecast(walk, pools);
    });

  const rolled = waves.filter(({ both }) => both > 0);
  walk.percent = leadsTo(walk, rolled, 0);
  visit("up", () => {
    for (const pool of pools) if (pool.from === 0) walk.set(pool, { canary: Math.max(walk.of(pool).canary, pool.to) });
  });
  visit("down", () => {
    for (const { pool, both } of rolled) walk.set(pool, endedBeyond(walk.of(pool), both));
  });
  while (rolled.some(({ pool }) => walk.of(pool).primary > 0)) {
    walk.percent = leadsTo(walk, rolled, 1);
    if (strategy.kind === "rolling") {
      visit("down", () => {
        for (const { pool, both, size, startsFirst } of rolled) {
          if (!startsFirst) walk.set(pool, endedBeyond(walk.of(pool), both - size));
        }
      });
    }
    visit("up", () => {
      for (const wave of rolled) walk.set(wave.pool, startedUpTo(walk.of(wave.pool), wave));
    });
    if (strategy.kind === "inPlace") {
      visit("restart", () => {
        for (const wave of rolled) if (!wave.startsFirst) walk.set(wave.pool, restarted(walk.of(wave.pool), wave));
      });
    }
    visit("down", () => {
      for (const { pool, both, startsFirst } of rolled) {
        if (startsFirst) walk.set(pool, endedBeyond(walk.of(pool), both));
      }
    });
    walk.settle();
  }
  walk.percent = 100;
  visit("up", () => {
    for (const pool of pools) walk.set(pool, { canary: Math.max(walk.of(pool).canary, pool.to) });
  });
  visit("down", () => {
    for (const pool of pools) walk.set(pool, { canary: pool.to, primary: 0 });
  });
  walk.settle();
  return {
    cap: Object.fromEntries(waves.map((wave) => [wave.pool.name, capOf(wave)])),
    floor: Object.fromEntries(waves.map((wave) => [wave.pool.name, floorOf(wave)])),
    states: walk.states,
  };
}

function waveOf(strategy: RollingStrategy | InPlaceStrategy, pool: PlannedPool): Wave {
  const both = Math.min(pool.from, pool.to);
  const share = Math.max(1, Math.floor((both * strategy.maxUnavailablePercent) / 100));
  const startsFirst = !mayStopFirst(strategy, pool) || (strategy.kind === "rolling" && strategy.order === "startFirst");
  const size = startsFirst || both === 1 ? share : Math.min(share, both - 1);
  return { pool, both, size, startsFirst };
}

/** The only replica of a pool must not end before its successor serves, unless the program says that it may. */
export function mayStopFirst({ allowOutage }: RollingStrategy | InPlaceStrategy, { from, to }: PlannedPool): boolean {
  return allowOutage || Math.min(from, to) !== 1;
}

function capOf({ pool, both, size, startsFirst }: Wave): number {
  return Math.max(pool.from, pool.to) + (both > 0 && startsFirst ? size : 0);
}

function floorOf({ both, size, startsFirst }: Wave): number {
  if (both === 0) return 0;
  return startsFirst ? both : both - size;
}

/** Ends primaries until no more than `total` of both versions are left. */
function endedBeyond({ canary, primary }: Counts, total: number): Counts {
  return { canary, primary: primary - Math.min(primary, Math.max(0, canary + primary - total)) };
}

/** Starts the canaries of the wave; after a loss it starts these too. */
function startedUpTo({ canary, primary }: Counts, { both, size, startsFirst }: Wave): Counts {
  const total = startsFirst ? both + size : both;
  return { canary: canary + Math.max(0, Math.min(both - canary, total - canary - primary)), primary };
}

function restarted({ canary, primary }: Counts, { both, size }: Wave): Counts {
  const wave = Math.min(primary, canary + primary - (both - size));
  return { canary: canary + wave, primary: primary - wave };
}

/** Percent of canaries after that many more waves, of the replicas that the waves go over. */
function leadsTo(walk: Walk, rolled: readonly Wave[], more: 0 | 1): number {
  let after = 0;
  let whole = 0;
  for (const { pool, both, size } of rolled) {
    after += Math.min(both, walk.of(pool).canary + more * size);
    whole += both;
  }
  return whole === 0 ? 0 : Math.floor((100 * after) / whole);
}

/** What the pools' own weights come to: a request goes to one of the replicas that are ready, whatever their version. */
function forecast(walk: Walk, pools: readonly PlannedPool[]): Counts {
  const mixed = pools.filter(({ from, to }) => from > 0 && to > 0);
  const weights = { canary: 0, primary: 0 };
  for (const pool of mixed.length > 0 ? mixed : pools) {
    weights.canary += walk.of(pool).canary;
    weights.primary += walk.of(pool).primary;
  }
  return weights.canary + weights.primary > 0 ? weights : walk.weights;
}
