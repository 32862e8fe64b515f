import type { InPlaceStrategy, RollingStrategy } from "../strategy";
import type { Begin, Path, PlannedPool } from "./states";
import { ALIKE, bothOf, capacityOf, unitsOf, unitsOfAll } from "./units";
import { fromStart, Walk, type Counts } from "./walk";

/** What a wave may do in one pool. */
interface Wave {
  pool: PlannedPool;
  /** Capacity of one replica of each version: what all numbers here are made of. */
  units: Counts;
  /** Capacity that both versions have in steady state, and that the waves go over; 0: the pool is new or goes. */
  both: number;
  size: number;
  /** The wave starts before the one that it replaces ends. */
  startsFirst: boolean;
}

/**
 * Replicas replaced in waves of a share of each pool, rounded down, at least one (Ray Serve: `max(int(0.2 * N), 1)`); of
 * its capacity, where a replica of one version carries more than one of the other.
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
  const scale = unitsOfAll(pools);
  const walk = new Walk(pools, begin);
  const visit: Walk["visit"] = (kind, change) =>
    walk.visit(kind, () => {
      change();
      walk.weights = forecast(walk, pools, scale);
    });

  const rolled = waves.filter(({ both }) => both > 0);
  walk.percent = leadsTo(walk, rolled, scale, 0);
  visit("up", () => {
    for (const pool of pools) if (pool.from === 0) walk.set(pool, { canary: Math.max(walk.of(pool).canary, pool.to) });
  });
  visit("down", () => {
    for (const { pool, both, units } of rolled) walk.set(pool, endedBeyond(walk.of(pool), both, units));
  });
  while (rolled.some(({ pool }) => walk.of(pool).primary > 0)) {
    walk.percent = leadsTo(walk, rolled, scale, 1);
    if (strategy.kind === "rolling") {
      visit("down", () => {
        for (const { pool, both, size, startsFirst, units } of rolled) {
          if (!startsFirst) walk.set(pool, endedBeyond(walk.of(pool), both - size, units));
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
      for (const { pool, both, startsFirst, units } of rolled) {
        if (startsFirst) walk.set(pool, endedBeyond(walk.of(pool), both, units));
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
  const units = unitsIn(strategy, pool);
  const both = bothOf(pool, units);
  const share = Math.max(units.primary, Math.floor((both * strategy.maxUnavailablePercent) / 100));
  const startsFirst = !mayStopFirst(strategy, pool) || (strategy.kind === "rolling" && strategy.order === "startFirst");
  if (startsFirst) return { pool, units, both, size: share, startsFirst };
  return { pool, units, both, size: isAlone(both, units) ? both : Math.min(share, both - 1), startsFirst };
}

/** A program that restarts where it is leaves and takes one place, whatever it is worth. */
function unitsIn({ kind }: RollingStrategy | InPlaceStrategy, pool: PlannedPool): Counts {
  return kind === "inPlace" ? ALIKE : unitsOf(pool);
}

/** One replica that carries all of it must not end before its successors serve, unless the program says that it may. */
export function mayStopFirst(strategy: RollingStrategy | InPlaceStrategy, pool: PlannedPool): boolean {
  const units = unitsIn(strategy, pool);
  return strategy.allowOutage || !isAlone(bothOf(pool, units), units);
}

function isAlone(both: number, { primary }: Counts): boolean {
  return both > 0 && both <= primary;
}

/** VMs, whatever they are worth: each is billed. A wave goes less than one new replica beyond its size. */
function capOf({ pool, units, both, size, startsFirst }: Wave): number {
  const more = Math.floor((size + Math.min(units.canary, units.primary) - 1) / units.primary);
  return Math.max(pool.from, pool.to) + (both > 0 && startsFirst ? more : 0);
}

function floorOf({ pool, units, both, size, startsFirst }: Wave): number {
  if (both === 0) return 0;
  const least = startsFirst ? both : both - size;
  const { canary, primary } = unitsOf(pool);
  // Counted as replicas, any of which may be one of those that carry less.
  const worth = Math.min(canary / units.canary, primary / units.primary);
  return least * worth;
}

/** Ends as many primaries as leave at least `total` of both versions. */
function endedBeyond(counts: Counts, total: number, units: Counts): Counts {
  const { canary, primary } = counts;
  const spare = Math.floor((capacityOf(counts, units) - total) / units.primary);
  return { canary, primary: primary - Math.min(primary, Math.max(0, spare)) };
}

/** Starts the canaries of the wave; after a loss it starts these too. */
function startedUpTo(counts: Counts, { units, both, size, startsFirst }: Wave): Counts {
  const { canary, primary } = counts;
  const total = startsFirst ? both + size : both;
  const lacking = Math.ceil((total - capacityOf(counts, units)) / units.canary);
  const left = Math.ceil(both / units.canary) - canary;
  return { canary: canary + Math.max(0, Math.min(left, lacking)), primary };
}

function restarted({ canary, primary }: Counts, { both, size }: Wave): Counts {
  const wave = Math.min(primary, canary + primary - (both - size));
  return { canary: canary + wave, primary: primary - wave };
}

type Scale = ReturnType<typeof unitsOfAll>;

/** Percent of canaries after that many more waves, of the capacity that the waves go over. */
function leadsTo(walk: Walk, rolled: readonly Wave[], scale: Scale, more: 0 | 1): number {
  let after = 0;
  let whole = 0;
  for (const { pool, units, both, size } of rolled) {
    const worth = scale[pool.name]!.primary / units.primary;
    after += worth * Math.min(both, (walk.of(pool).canary + more * Math.ceil(size / units.canary)) * units.canary);
    whole += worth * both;
  }
  return whole === 0 ? 0 : Math.floor((100 * after) / whole);
}

/** What the pools' own weights come to: a request goes to one of the replicas that are ready, whatever their version. */
function forecast(walk: Walk, pools: readonly PlannedPool[], scale: Scale): Counts {
  const mixed = pools.filter(({ from, to }) => from > 0 && to > 0);
  const weights = { canary: 0, primary: 0 };
  for (const pool of mixed.length > 0 ? mixed : pools) {
    weights.canary += walk.of(pool).canary * scale[pool.name]!.canary;
    weights.primary += walk.of(pool).primary * scale[pool.name]!.primary;
  }
  return weights.canary + weights.primary > 0 ? weights : walk.weights;
}
