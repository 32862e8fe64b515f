import type { Action } from "./action";
import type { EventBody } from "./events";
import { takeCensus, type Census } from "./fleet/census";
import type { PoolState, Replica, State } from "./state";

/** Pools and replicas change through the draft only: it keeps their count in step, and the old state as it was. */
type Drafted = Omit<State, "pools" | "replicas"> & {
  readonly pools: Readonly<Record<string, PoolState>>;
  readonly replicas: Readonly<Record<string, Replica>>;
};

/**
 * The state that a tick is making. The old one is never touched: members are copied when they change, so a tick costs
 * what it changes and `decide` stays pure.
 */
export class Draft {
  readonly events: EventBody[] = [];
  readonly actions: Action[] = [];
  private readonly made: State;
  /** The old state's replicas are ours from the first change on: most ticks change none of thousands. */
  private ours = false;
  private listed: readonly Replica[] | null = null;
  private counted: Readonly<Record<string, Census>> | null = null;

  constructor(
    before: State,
    readonly now: number,
  ) {
    this.made = { ...before, pools: { ...before.pools } };
  }

  get state(): Drafted {
    return this.made;
  }

  replicas(): readonly Replica[] {
    return (this.listed ??= Object.values(this.made.replicas));
  }

  /** What each pool has of each version. A census that was taken stays as it is; the next call sees what changed. */
  census(): Readonly<Record<string, Census>> {
    return (this.counted ??= takeCensus(this.made, this.replicas()));
  }

  pool(name: string): PoolState {
    return this.made.pools[name]!;
  }

  keepPool(name: string, pool: PoolState): void {
    const known = this.made.pools[name];
    // Nothing else about a pool decides which version a replica belongs to.
    const { primary, canary } = pool;
    const same = primary?.revision === known?.primary?.revision && canary?.revision === known?.canary?.revision;
    if (known === undefined || !same) this.counted = null;
    this.made.pools[name] = pool;
  }

  patchPool(name: string, patch: Partial<PoolState>): void {
    this.keepPool(name, { ...this.pool(name), ...patch });
  }

  forgetPool(name: string): void {
    this.counted = null;
    delete this.made.pools[name];
  }

  patchReplica(id: string, patch: Partial<Replica>): Replica {
    return this.keepReplica({ ...this.made.replicas[id]!, ...patch });
  }

  keepReplica(replica: Replica): Replica {
    return (this.changing()[replica.id] = replica);
  }

  forget(id: string): void {
    delete this.changing()[id];
  }

  say(event: EventBody): void {
    this.events.push(event);
  }

  act(action: Action): void {
    this.actions.push(action);
  }

  private changing(): Record<string, Replica> {
    this.listed = null;
    this.counted = null;
    if (!this.ours) this.made.replicas = { ...this.made.replicas };
    this.ours = true;
    return this.made.replicas;
  }
}

/** The predecessor's state under a new epoch. What it last saw no longer counts: after a reboot none of it is so. */
export function takeOver(before: State | null, epoch: number): State {
  const state = before ?? firstState();
  return { ...state, epoch, intentVersion: 0, routing: { ...state.routing, inForce: 0 } };
}

export function firstState(): State {
  return {
    schemaVersion: 1,
    epoch: 0,
    intentVersion: 0,
    pools: {},
    replicas: {},
    nextReplica: 1,
    rollout: null,
    adopted: false,
    rejected: {},
    lastOutcome: null,
    history: [],
    versions: {},
    routing: { generation: 0, inForce: 0, hash: "", weights: { canary: 0, primary: 100 } },
    outbox: [],
    nextEvent: 1,
    commandsSeen: 0,
    deleting: false,
    nextRollout: 1,
    conditions: [],
    orphans: [],
    refused: {},
  };
}
