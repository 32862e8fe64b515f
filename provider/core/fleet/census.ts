import type { PoolState, Replica, State } from "../state";

/** Which version of its pool a replica belongs to; `stale` belongs to none and has to go. */
export type Side = "primary" | "canary" | "stale";

export interface Count {
  /** Those that serve or are on their way to it: not draining, not ending. */
  alive: Replica[];
  ready: Replica[];
  /** Every VM, draining and ending ones too: what the cap counts. */
  all: Replica[];
}

export interface Census {
  primary: Count;
  canary: Count;
  stale: Count;
  /** Every VM of the pool. */
  total: number;
}

export function sideOf(pool: PoolState | undefined, replica: Replica): Side {
  if (replica.revision === pool?.primary?.revision) return "primary";
  if (replica.revision === pool?.canary?.revision) return "canary";
  return "stale";
}

/** Counts every pool in one pass over the replicas. */
export function takeCensus(
  state: State,
  replicas: readonly Replica[] = Object.values(state.replicas),
): Record<string, Census> {
  const census: Record<string, Census> = {};
  for (const name of Object.keys(state.pools)) census[name] = emptyCensus();
  for (const replica of replicas) {
    const pool = (census[replica.pool] ??= emptyCensus());
    const count = pool[sideOf(state.pools[replica.pool], replica)];
    pool.total += 1;
    count.all.push(replica);
    switch (replica.status) {
      case "draining":
      case "terminating":
        break;
      case "ready":
        count.ready.push(replica);
        count.alive.push(replica);
        break;
      case "launching":
      case "restarting":
      case "starting":
      case "notReady":
        count.alive.push(replica);
        break;
    }
  }
  return census;
}

/** Replicas of one version that drain to restart as the other one. */
export function comingBack({ all }: Count): number {
  return all.filter(({ status, afterDrain }) => status === "draining" && afterDrain.kind === "restart").length;
}

function emptyCensus(): Census {
  return { primary: emptyCount(), canary: emptyCount(), stale: emptyCount(), total: 0 };
}

function emptyCount(): Count {
  return { alive: [], ready: [], all: [] };
}
