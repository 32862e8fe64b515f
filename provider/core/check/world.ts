import type { Market } from "../spot/candidate";
import { POOL_DELETED, type SpotBounds, type RoutedPool, type ServeEvent } from "../events";
import { advanceRollout, reaching, renumbered, startedRollout, type WorldRollout } from "./rollout";

/** What the log says is so, after the events read so far. Built from events alone, so it owes nothing to the state file. */
export interface World {
  /** By id; those that ended, were lost or never came to be are left out. */
  replicas: ReadonlyMap<string, WorldReplica>;
  /** Last routing decided, by pool. */
  routed: Readonly<Record<string, RoutedPool>>;
  /** Replicas that each pool shall have outside a rollout. */
  declared: Readonly<Record<string, number>>;
  /** Replicas by which each pool was last left when a rollout ended. */
  steady: Readonly<Record<string, number>>;
  /** Pools that use spot, as declared. */
  markets: Readonly<Record<string, SpotBounds>>;
  /** By pool and revision: hash of the userConfig that is declared for it; null: none. Left out: nobody told. */
  configs: Readonly<Record<string, Readonly<Record<string, string | null>>>>;
  /** By pool that no rollout has moved yet: the revision by which it came up, or is to. What it had of another before has never served. */
  first: Readonly<Record<string, string>>;
  /** Pools that are deleted or on their way to it. */
  removed: ReadonlySet<string>;
  deleting: boolean;
  rollout: WorldRollout | null;
}

export interface WorldReplica {
  id: string;
  pool: string;
  revision: string;
  market: Market;
  /** The cloud takes its VM: it counts for nothing. */
  noticed: boolean;
  phase: "launching" | "starting" | "restarting" | "ready" | "notReady" | "draining" | "drained" | "terminating";
  /** Hash of the userConfig that its program took last; null: none. */
  config: string | null;
}

export const emptyWorld: World = {
  replicas: new Map(),
  routed: {},
  declared: {},
  steady: {},
  markets: {},
  configs: {},
  first: {},
  removed: new Set(),
  deleting: false,
  rollout: null,
};

/** The world after all of these. */
export function worldAfter(before: World, events: readonly ServeEvent[]): World {
  const replay = new Replay(before);
  for (const event of events) replay.take(event);
  return replay.world;
}

/**
 * Reads a log on from a world, event by event. An event about a replica that the log never launched changes nothing.
 * The replicas are copied once, however many events follow: a tick of thousands of them has thousands of events.
 */
export class Replay {
  private copied: Map<string, WorldReplica> | null = null;

  constructor(private now: World) {}

  /** What is so now. Its replicas go on changing with what is taken next. */
  get world(): World {
    return this.now;
  }

  take(event: ServeEvent): void {
    switch (event.kind) {
      case "poolDeclared":
        return this.declare(event);
      case "scaled":
        if (event.side === "canary") return;
        return this.note({ declared: { ...this.now.declared, [event.pool]: event.to } });
      case "replicaLaunching": {
        const { replica: id, pool, revision, market = "onDemand" } = event;
        this.replicas().set(id, { id, pool, revision, market, noticed: false, phase: "launching", config: null });
        return;
      }
      case "replicaStarting":
        return this.change(event.replica, { phase: "starting" });
      case "replicaReady":
        return this.change(event.replica, { phase: "ready" });
      case "drainTakenBack":
        // As at its notice: nobody may count on it.
        return this.change(event.replica, { phase: this.isNoticed(event.replica) ? "notReady" : "ready" });
      case "replicaNotReady":
        return this.change(event.replica, { phase: "notReady" });
      case "replicaNoticed":
        return this.notice(event.replica);
      case "replicaDraining":
        return this.leave(event, "draining");
      case "replicaDrained":
        return this.change(event.replica, { phase: "drained" });
      case "replicaTerminating":
        return this.leave(event, "terminating");
      // The VM stays and counts once; its program is of another revision from here on, and has yet to become ready.
      case "replicaRestarting":
        return this.change(event.replica, { revision: event.revision, phase: "restarting", config: null });
      case "replicaReconfigured":
        return this.change(event.replica, { config: event.config });
      case "launchFailed":
      case "replicaLost":
      case "replicaEnded":
        this.replicas().delete(event.replica);
        return;
      case "routed": {
        const { rollout, routed } = this.now;
        return this.note({ routed: event.pools, rollout: rollout && reaching(rollout, routed, event.pools) });
      }
      case "rolloutStarted":
        return this.note({
          rollout: startedRollout(event),
          configs: withCanaries(this.now.configs, event),
          first: without(this.now.first, Object.keys(event.revisions)),
        });
      case "rolloutReplanned":
      case "rolloutRetuned":
      case "rolloutSettled":
      case "rolloutStep":
      case "rolloutHeld":
      case "gateJudged":
      case "commandObeyed":
      case "rollingBack":
      case "rollbackCancelled":
      case "capacityWait":
      case "capacityFound":
      case "capacityStarved":
      case "rolloutUnwatched": {
        const { rollout } = this.now;
        return this.note({ rollout: rollout && advanceRollout(rollout, event) });
      }
      case "rolloutEnded":
        return this.endRollout(event.outcome);
      case "serviceDeleting":
        return this.note({ deleting: true });
      case "leaseTaken":
      case "orphanSeen":
      case "orphanEnded":
      case "routeInForce":
      case "rejectionCleared":
      case "guardRefused":
      case "configRefused":
      case "rolloutFailed":
      case "marketsMixed":
      case "replicaAtRisk":
      case "primaryAwaited":
      case "primaryFound":
        return;
    }
  }

  private endRollout(outcome: Extract<ServeEvent, { kind: "rolloutEnded" }>["outcome"]): void {
    const { rollout, steady } = this.now;
    const left = (rollout?.pools ?? []).map(
      ({ name, from, to }) => [name, outcome === "promoted" ? to : from] as const,
    );
    const promoted = outcome === "promoted" ? rollout?.markets : undefined;
    this.note({
      rollout: null,
      steady: { ...steady, ...Object.fromEntries(left) },
      markets: withMarkets(this.now.markets, promoted ?? {}),
    });
  }

  private declare(event: Extract<ServeEvent, { kind: "poolDeclared" }>): void {
    const { removed, declared, markets, configs } = this.now;
    const { [event.pool]: _before, ...others } = markets;
    if (event.change === "removed") return this.note({ removed: new Set([...removed, event.pool]) });
    const first = without(this.now.first, [event.pool]);
    const rolled = this.withMarketOfCanary(event);
    this.note({
      removed: new Set([...removed].filter((pool) => pool !== event.pool)),
      declared: { ...declared, [event.pool]: event.replicas },
      ...(rolled ?? { markets: event.spot === undefined ? others : { ...others, [event.pool]: event.spot } }),
      configs: withConfig(configs, event.pool, event.revision, event.config),
      first: event.change === "first" ? { ...first, [event.pool]: event.revision } : first,
    });
  }

  /** What is declared of the version that a rollout brings is so when that is promoted. Null: it is of what serves. */
  private withMarketOfCanary(event: Extract<ServeEvent, { kind: "poolDeclared" }>): Pick<World, "rollout"> | null {
    const { rollout } = this.now;
    const { pool, revision, spot } = event;
    const { from = null, to = null } = rollout?.revisions[pool] ?? {};
    if (rollout === null || revision !== to || revision === from) return null;
    const rolled = event.side === "canary" ? renumbered(rollout, event) : rollout;
    return { rollout: { ...rolled, markets: { ...rollout.markets, [pool]: spot ?? null } } };
  }

  /** A deleted pool says so by the reason of its drains; the event that it is gone comes when they are over. */
  private leave({ replica: id, reason }: { replica: string; reason: string }, phase: "draining" | "terminating"): void {
    const { replicas, removed } = this.now;
    const pool = replicas.get(id)?.pool;
    const isDeleted = reason === POOL_DELETED && pool !== undefined && !removed.has(pool);
    if (isDeleted) this.note({ removed: new Set([...removed, pool]) });
    this.change(id, { phase });
  }

  /** What it still serves is the world's to take: no move of ours is to blame for it, and none may count on it. */
  private notice(id: string): void {
    const phase = this.now.replicas.get(id)?.phase;
    this.change(id, { noticed: true, ...(phase === "ready" ? { phase: "notReady" } : {}) });
  }

  private isNoticed(id: string): boolean {
    return this.now.replicas.get(id)?.noticed ?? false;
  }

  private change(id: string, change: Partial<WorldReplica>): void {
    const replica = this.now.replicas.get(id);
    if (replica !== undefined) this.replicas().set(id, { ...replica, ...change });
  }

  private replicas(): Map<string, WorldReplica> {
    if (this.copied === null) {
      this.copied = new Map(this.now.replicas);
      this.note({ replicas: this.copied });
    }
    return this.copied;
  }

  private note(change: Partial<World>): void {
    this.now = { ...this.now, ...change };
  }
}

function withCanaries(
  configs: World["configs"],
  { revisions, configs: told = {} }: Extract<ServeEvent, { kind: "rolloutStarted" }>,
): World["configs"] {
  return Object.entries(revisions).reduce(
    (known, [pool, { to }]) => (to === null ? known : withConfig(known, pool, to, told[pool])),
    configs,
  );
}

function withMarkets(
  before: World["markets"],
  promoted: Readonly<Record<string, SpotBounds | null>>,
): World["markets"] {
  const all = Object.entries({ ...before, ...promoted });
  return Object.fromEntries(all.flatMap(([pool, bounds]) => (bounds === null ? [] : [[pool, bounds]])));
}

function withConfig(
  configs: World["configs"],
  pool: string,
  revision: string,
  config: string | null | undefined,
): World["configs"] {
  const { [revision]: _before, ...others } = configs[pool] ?? {};
  return { ...configs, [pool]: config === undefined ? others : { ...others, [revision]: config } };
}

function without(first: World["first"], pools: readonly string[]): World["first"] {
  return Object.fromEntries(Object.entries(first).filter(([pool]) => !pools.includes(pool)));
}

/** Ready replicas of one revision of a pool. */
export function readyOf(world: World, pool: string, revision: string | null): WorldReplica[] {
  const ready: WorldReplica[] = [];
  for (const replica of world.replicas.values()) {
    if (replica.pool !== pool || replica.phase !== "ready") continue;
    if (revision === null || replica.revision === revision) ready.push(replica);
  }
  return ready;
}
