import type { PoolState, Replica, State } from "../state";

/** Which version of its pool a replica belongs to; `stale` belongs to none and has to go. */
export type Side = "primary" | "canary" | "stale";

export interface Count {
  /** Those that serve or are on their way to it: not draining, not ending, not under notice. */
  alive: Replica[];
  ready: Replica[];
  /** Every VM but those under notice, draining and ending ones too: what the cap counts. */
  all: Replica[];
  /** VMs that the cloud takes, whatever they still do. */
  noticed: Replica[];
}

export interface Census {
  primary: Count;
  canary: Count;
  stale: Count;
  /** Every VM of the pool. */
  total: number;
  /** Those that the cap counts: a VM under notice is as good as gone, and its replacement must not wait for it. */
  counted: number;
}

/** True once the cloud has said that it takes the replica's VM. */
export function isNoticed({ noticedUntil }: Replica): boolean {
  // Absent in what an agent of before has written.
  return (noticedUntil ?? null) !== null;
}

export function sideOf(pool: PoolState | undefined, replica: Replica): Side {
  if (replica.revision === pool?.primary?.revision) return "primary";
  if (replica.revision === pool?.canary?.revision) return "canary";
  return "stale";
}

/** Of a state that nobody is changing. */
export function censusOf({ pools, replicas }: State): Record<string, Census> {
  return takeCensus(pools, Object.values(replicas));
}

/** Counts every pool in one pass over the replicas. */
export function takeCensus(
  pools: Readonly<Record<string, PoolState>>,
  replicas: readonly Replica[],
): Record<string, Census> {
  const census: Record<string, Census> = {};
  for (const name of Object.keys(pools)) census[name] = emptyCensus();
  for (const replica of replicas) {
    const pool = (census[replica.pool] ??= emptyCensus());
    const count = pool[sideOf(pools[replica.pool], replica)];
    pool.total += 1;
    if (isNoticed(replica)) {
      count.noticed.push(replica);
      continue;
    }
    pool.counted += 1;
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
  return { primary: emptyCount(), canary: emptyCount(), stale: emptyCount(), total: 0, counted: 0 };
}

function emptyCount(): Count {
  return { alive: [], ready: [], all: [], noticed: [] };
}
