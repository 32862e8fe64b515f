import type { PoolSpec } from "../spec/pool";
import type { Replica } from "../state";

/** How much a replica carries, against the weakest machine that its pool takes; 1 where nothing is said of its machines. */
export function weightOf({ scaling }: PoolSpec, { shape }: Replica): number {
  const target = scaling?.targetQpsByShape?.[shape ?? ""];
  const weakest = scaling?.targetQpsPerReplica ?? null;
  return target === undefined || weakest === null ? 1 : target / weakest;
}
