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
  /** Those that drain, under notice or not. */
  draining: Replica[];
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
  let [name, pool] = ["", emptyCensus()];
  for (const replica of replicas) {
    // Those of one pool mostly come in a row.
    if (replica.pool !== name) pool = census[(name = replica.pool)] ??= emptyCensus();
    const count = pool[sideOf(pools[name], replica)];
    pool.total += 1;
    if (replica.status === "draining") count.draining.push(replica);
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
export function comingBack({ draining }: Count): number {
  return draining.filter((replica) => replica.afterDrain.kind === "restart" && !isNoticed(replica)).length;
}

/** Replicas of every pool and version, as they were counted. */
export function inAll(
  census: Readonly<Record<string, Census>>,
  of: (count: Count) => readonly Replica[],
): readonly Replica[] {
  return Object.values(census).flatMap(({ primary, canary, stale }) => [primary, canary, stale].flatMap(of));
}

function emptyCensus(): Census {
  return { primary: emptyCount(), canary: emptyCount(), stale: emptyCount(), total: 0, counted: 0 };
}

function emptyCount(): Count {
  return { alive: [], ready: [], all: [], noticed: [], draining: [] };
}
