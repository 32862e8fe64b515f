import { POOL_DELETED, type RoutedPool, type ServeEvent } from "../events";
import { advanceRollout, reaching, startedRollout, type WorldRollout } from "./rollout";

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
  phase: "launching" | "starting" | "restarting" | "ready" | "notReady" | "draining" | "drained" | "terminating";
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
    case "replicaRestarting":
      return restart(world, event);
    case "rolloutStarted":
      return { ...world, rollout: startedRollout(event) };
    case "rolloutReplanned":
    case "rolloutStep":
    case "rolloutHeld":
    case "gateJudged":
    case "commandObeyed":
    case "rollingBack":
    case "rollbackCancelled":
      return world.rollout === null ? world : { ...world, rollout: advanceRollout(world.rollout, event) };
    case "rolloutEnded":
      return { ...world, rollout: null };
    case "serviceDeleting":
      return { ...world, deleting: true };
    case "leaseTaken":
    case "orphanSeen":
    case "orphanEnded":
    case "routeInForce":
    case "rejectionCleared":
    case "guardRefused":
    case "replicaReconfigured":
    case "configRefused":
    case "rolloutFailed":
    case "capacityWait":
    case "capacityFound":
      return world;
  }
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

/** The VM stays and counts once; its program is of another revision from here on, and has yet to become ready. */
function restart(world: World, event: Extract<ServeEvent, { kind: "replicaRestarting" }>): World {
  const replica = world.replicas.get(event.replica);
  if (replica === undefined) return world;
  return withReplica(world, { ...replica, revision: event.revision, phase: "restarting" });
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
