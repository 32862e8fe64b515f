import type { Action } from "./action";
import type { EventBody } from "./events";
import { takeCensus, type Census } from "./fleet/census";
import { patched } from "./fleet/patched";
import { Roster } from "./fleet/roster";
import type { PoolState, Replica, State } from "./state";

/** Pools and replicas change through the draft only: it keeps their count in step, and the old state as it was. */
type Drafted = Omit<State, "pools" | "replicas"> & { readonly pools: Readonly<Record<string, PoolState>> };

/**
 * The state that a tick is making. The old one is never touched: members are copied when they change, so a tick costs
 * what it changes and `decide` stays pure.
 */
export class Draft {
  readonly state: Drafted;
  readonly events: EventBody[] = [];
  readonly actions: Action[] = [];
  /** Replicas that whoever decides has not itself probed yet; filled by the look at each of them. */
  readonly unprobed: string[] = [];
  private readonly pools: Record<string, PoolState>;
  private readonly roster: Roster;
  private counted: Readonly<Record<string, Census>> | null = null;

  constructor(
    { replicas, ...before }: State,
    readonly now: number,
  ) {
    this.pools = { ...before.pools };
    this.roster = new Roster(replicas);
    this.state = { ...before, pools: this.pools };
  }

  /** What has been made of it so far, whole. */
  finished(): State {
    return { ...this.state, replicas: this.roster.byId() };
  }

  replicas(): readonly Replica[] {
    return this.roster.all();
  }

  replica(id: string): Replica | undefined {
    return this.roster.get(id);
  }

  /** What each pool has of each version. A census that was taken stays as it is; the next call sees what changed. */
  census(): Readonly<Record<string, Census>> {
    return (this.counted ??= takeCensus(this.pools, this.replicas()));
  }

  pool(name: string): PoolState {
    return this.pools[name]!;
  }

  keepPool(name: string, pool: PoolState): void {
    const known = this.pools[name];
    // Nothing else about a pool decides which version a replica belongs to.
    const { primary, canary } = pool;
    const same = primary?.revision === known?.primary?.revision && canary?.revision === known?.canary?.revision;
    if (known === undefined || !same) this.counted = null;
    this.pools[name] = pool;
  }

  patchPool(name: string, patch: Partial<PoolState>): void {
    this.keepPool(name, { ...this.pool(name), ...patch });
  }

  forgetPool(name: string): void {
    this.counted = null;
    delete this.pools[name];
  }

  patchReplica(id: string, patch: Partial<Replica>): Replica {
    return this.keepReplica(patched(this.replica(id)!, patch));
  }

  keepReplica(replica: Replica): Replica {
    this.counted = null;
    this.roster.keep(replica);
    return replica;
  }

  forget(id: string): void {
    this.counted = null;
    this.roster.forget(id);
  }

  say(event: EventBody): void {
    this.events.push(event);
  }

  act(action: Action): void {
    this.actions.push(action);
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
