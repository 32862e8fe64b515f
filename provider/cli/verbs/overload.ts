import { censusOf } from "../../core/fleet/census";
import type { State } from "../../core/state";

/** What an immediate rollback of the rollout in progress asks of the primary replicas that are ready: N/p, per pool. */
export function overloadOfGoingBack(state: State): string[] {
  const census = censusOf(state);
  return (state.rollout?.pools ?? [])
    .filter(({ from }) => from > 0)
    .map(({ name, from }) => overload(name, from, census[name]!.primary.ready.length));
}

function overload(pool: string, steady: number, ready: number): string {
  if (ready === 0) return `pool ${pool} has no ready primary replica to take its traffic`;
  return `each primary replica of pool ${pool} would get ${(steady / ready).toFixed(2)} times its load`;
}
