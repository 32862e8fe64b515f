import type { Action } from "./action";
import type { EventBody } from "./events";
import type { PoolState, Replica, State } from "./state";

/**
 * The state that a tick is making. The old one is never touched: members are copied when they change, so a tick costs
 * what it changes and `decide` stays pure.
 */
export class Draft {
  state: State;
  readonly events: EventBody[] = [];
  readonly actions: Action[] = [];
  /** What `replicas` gave, until one changes: listing thousands anew for each policy would be most of a tick. */
  private listed: Replica[] | null = null;

  constructor(
    before: State,
    readonly now: number,
  ) {
    this.state = { ...before, pools: { ...before.pools }, replicas: { ...before.replicas } };
  }

  replicas(): readonly Replica[] {
    return (this.listed ??= Object.values(this.state.replicas));
  }

  pool(name: string): PoolState {
    return this.state.pools[name]!;
  }

  patchPool(name: string, patch: Partial<PoolState>): void {
    this.state.pools[name] = { ...this.pool(name), ...patch };
  }

  patchReplica(id: string, patch: Partial<Replica>): Replica {
    return this.keepReplica({ ...this.state.replicas[id]!, ...patch });
  }

  keepReplica(replica: Replica): Replica {
    this.listed = null;
    return (this.state.replicas[replica.id] = replica);
  }

  forget(id: string): void {
    this.listed = null;
    delete this.state.replicas[id];
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
