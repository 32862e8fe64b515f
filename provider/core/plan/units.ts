import { commonDivisor } from "../common-divisor";
import type { PlannedPool } from "./states";
import type { Counts } from "./walk";

/** A declared weight has no finer digits, so sums of weights are whole numbers, and no rounding enters a comparison. */
const PER_WHOLE = 100;

/** A replica of either version carries as much. */
export const ALIKE: Counts = { canary: 1, primary: 1 };

/** What a planned pool tells of its versions' capacity weights; nothing where both have the usual one. */
export function weighed(from: number | undefined, to: number | undefined): Pick<PlannedPool, "weights"> {
  const weights = { from: whole(from), to: whole(to) };
  return weights.from === PER_WHOLE && weights.to === PER_WHOLE ? {} : { weights };
}

function whole(weight = 1): number {
  return Math.round(weight * PER_WHOLE);
}

/** Capacity of one replica of each version of a pool, in the smallest whole numbers; 1 and 1 where they are alike. */
export function unitsOf(pool: PlannedPool): Counts {
  return unitsOfAll([pool])[pool.name]!;
}

/** The same on one scale for all pools: what their sums are made of. */
export function unitsOfAll(pools: readonly PlannedPool[]): Record<string, Counts> {
  const all = pools.map(({ name, weights }) => [name, weights ?? { from: PER_WHOLE, to: PER_WHOLE }] as const);
  const divisor = all.reduce((common, [, { from, to }]) => commonDivisor(commonDivisor(common, from), to), 0);
  return Object.fromEntries(
    all.map(([name, { from, to }]) => [name, { canary: to / divisor, primary: from / divisor }]),
  );
}

export function capacityOf(replicas: Counts, units: Counts): number {
  return replicas.canary * units.canary + replicas.primary * units.primary;
}

/** Whether a replica of one version carries more than one of the other. */
export function isWeighted({ weights }: PlannedPool): boolean {
  return weights !== undefined && weights.from !== weights.to;
}

/** Capacity that both versions have in steady state. */
export function bothOf(pool: PlannedPool, { canary, primary }: Counts = unitsOf(pool)): number {
  return Math.min(pool.from * primary, pool.to * canary);
}
