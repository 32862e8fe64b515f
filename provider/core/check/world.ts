import { POOL_DELETED, type RoutedPool, type ServeEvent } from "../events";
import type { Direction, RolloutProgress } from "../state";

/** What the log says is so, after the events read so far. Built from events alone, so it owes nothing to the state file. */
export interface World {
  /** By id; those that ended, were lost or never came to be are left out. */
  replicas: ReadonlyMap<string, WorldReplica>;
  /** Last routing decided, by pool. */
  routed: Readonly<Record<string, RoutedPool>>;
  /** Replicas that each pool shall have outside a rollout. */
  declared: Readonly<Record<string, number>>;
  /** Pools that are deleted or on their way to it. */
  removed: ReadonlySet<string>;
  deleting: boolean;
  rollout: WorldRollout | null;
}

export interface WorldReplica {
  id: string;
  pool: string;
  revision: string;
  phase: "launching" | "starting" | "ready" | "notReady" | "draining" | "drained" | "terminating";
}

export interface WorldRollout {
  id: number;
  pools: RolloutProgress["pools"];
  cap: Readonly<Record<string, number>>;
  maxShiftPercent: number;
  revisions: Readonly<Record<string, { from: string | null; to: string | null }>>;
  direction: Direction["kind"];
  /** Highest canary share so far by pool: what a repair may return to in one move. */
  reached: Readonly<Record<string, Share>>;
}

/** An exact fraction; weights are integers, so no rounding enters a proof. */
export interface Share {
  part: number;
  whole: number;
}

export const emptyWorld: World = {
  replicas: new Map(),
  routed: {},
  declared: {},
  removed: new Set(),
  deleting: false,
  rollout: null,
};

/** The world after one more event. An event about a replica that the log never launched changes nothing. */
export function advance(world: World, event: ServeEvent): World {
  switch (event.kind) {
    case "poolDeclared":
      return declare(world, event);
    case "replicaLaunching":
      return withReplica(world, {
        id: event.replica,
        pool: event.pool,
        revision: event.revision,
        phase: "launching",
      });
    case "replicaStarting":
      return inPhase(world, event.replica, "starting");
    case "replicaReady":
      return inPhase(world, event.replica, "ready");
    case "replicaNotReady":
      return inPhase(world, event.replica, "notReady");
    case "replicaDraining":
      return inPhase(leaving(world, event), event.replica, "draining");
    case "replicaDrained":
      return inPhase(world, event.replica, "drained");
    case "replicaTerminating":
      return inPhase(leaving(world, event), event.replica, "terminating");
    case "launchFailed":
    case "replicaLost":
    case "replicaEnded":
      return withoutReplica(world, event.replica);
    case "routed":
      return { ...world, routed: event.pools, rollout: world.rollout && reaching(world.rollout, event.pools) };
    case "rolloutStarted":
      return {
        ...world,
        rollout: {
          id: event.rollout,
          pools: event.pools,
          cap: event.cap,
          maxShiftPercent: event.maxShiftPercent,
          revisions: event.revisions,
          direction: "forward",
          reached: {},
        },
      };
    case "rollingBack":
      return { ...world, rollout: world.rollout && { ...world.rollout, direction: "back" } };
    case "rolloutEnded":
      return { ...world, rollout: null };
    case "serviceDeleting":
      return { ...world, deleting: true };
    case "leaseTaken":
    case "orphanSeen":
    case "routeInForce":
    case "rolloutStep":
    case "rejectionCleared":
    case "guardRefused":
    case "replicaRestarting":
    case "replicaReconfigured":
    case "configRefused":
    case "rolloutReplanned":
    case "rolloutHeld":
    case "rolloutFailed":
    case "capacityWait":
    case "capacityFound":
    case "gateJudged":
    case "commandObeyed":
    case "rollbackCancelled":
      return world;
  }
}

/** Share of first attempts that goes to the canary; no primary (or no weights at all) is a share of nothing or of all. */
export function canaryShare(routed: RoutedPool | undefined): Share {
  const canary = routed?.canary?.weight ?? 0;
  const primary = routed?.primary?.weight ?? 0;
  return { part: canary, whole: Math.max(1, canary + primary) };
}

export function isGreater(a: Share, b: Share): boolean {
  return a.part * b.whole > b.part * a.whole;
}

/** Ready replicas of one revision of a pool. */
export function readyOf(world: World, pool: string, revision: string | null): WorldReplica[] {
  return [...world.replicas.values()].filter(
    (replica) =>
      replica.pool === pool && replica.phase === "ready" && (revision === null || replica.revision === revision),
  );
}

function declare(world: World, event: Extract<ServeEvent, { kind: "poolDeclared" }>): World {
  if (event.change === "removed") return { ...world, removed: new Set([...world.removed, event.pool]) };
  const removed = new Set([...world.removed].filter((pool) => pool !== event.pool));
  return { ...world, removed, declared: { ...world.declared, [event.pool]: event.replicas } };
}

/** A deleted pool says so by the reason of its drains; the event that it is gone comes when they are over. */
function leaving(world: World, event: { replica: string; reason: string }): World {
  const replica = world.replicas.get(event.replica);
  if (replica === undefined || event.reason !== POOL_DELETED) return world;
  return { ...world, removed: new Set([...world.removed, replica.pool]) };
}

function reaching(rollout: WorldRollout, pools: Record<string, RoutedPool>): WorldRollout {
  const reached = { ...rollout.reached };
  for (const [pool, routed] of Object.entries(pools)) {
    const share = canaryShare(routed);
    const before = reached[pool];
    if (before === undefined || isGreater(share, before)) reached[pool] = share;
  }
  return { ...rollout, reached };
}

function withReplica(world: World, replica: WorldReplica): World {
  return { ...world, replicas: new Map(world.replicas).set(replica.id, replica) };
}

function withoutReplica(world: World, id: string): World {
  const replicas = new Map(world.replicas);
  replicas.delete(id);
  return { ...world, replicas };
}

function inPhase(world: World, id: string, phase: WorldReplica["phase"]): World {
  const replica = world.replicas.get(id);
  return replica === undefined ? world : withReplica(world, { ...replica, phase });
}
