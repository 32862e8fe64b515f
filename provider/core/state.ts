import type { Ledger } from "./cost/ledger";
import type { Invariant, ServeEvent } from "./events";
import type { Markets } from "./goals";
import type { PoolSpec, Revision } from "./spec/pool";
import type { Market } from "./spot/candidate";
import type { PlacementMemory } from "./spot/memory";
import type { SpotState } from "./spot/mix";
import type { RolloutTarget } from "./intent";
import type { PlannedPool, PlanState } from "./plan/states";
import type { RollbackCause } from "./rollout/cause";
import type { ScaleState } from "./scale/state";
import type { GateState } from "./gate/state";
import type { RollbackMode, Strategy } from "./strategy";

/** What is so, as far as the controller has decided and seen. Written by the lease holder only. */
export interface State {
  schemaVersion: 1;
  /** Fencing number of the writer. */
  epoch: number;
  /** Version of the intent that the last tick worked from; a handler waits until its own write has been seen. */
  intentVersion: number;
  pools: Record<string, PoolState>;
  replicas: Readonly<Record<string, Replica>>;
  nextReplica: number;
  rollout: RolloutProgress | null;
  /** True once a Rollout adopted what serves: from then on new pools wait for a SHIFT. */
  adopted: boolean;
  /** Target keys that failed, with the sentence why; cleared by `rollout retry`. */
  rejected: Record<string, Rejection>;
  /** How the last rollout ended. */
  lastOutcome: Outcome | null;
  /** Versions that served before, newest first, with all that bringing one back takes. */
  history: KeptVersion[];
  /** Version ordinals by service revision (hash over all pools' revisions). */
  versions: Record<string, number>;
  routing: RoutingState;
  /** Events of the last persisted tick: appended to the log after the state, and again after a crash in between. */
  outbox: ServeEvent[];
  nextEvent: number;
  /** Number of the last command obeyed. */
  commandsSeen: number;
  /** True once the service's deletion was seen and told. */
  deleting: boolean;
  nextRollout: number;
  /** VMs that carry our tag but are not ours any more, being ended. */
  orphans: string[];
  /** What the guard refused in the last tick, so that each refusal is told once. */
  refused: Record<string, Invariant>;
  /** Why the service cannot be what was declared, where that is known; shown by status, follow loops and outputs. */
  conditions: Condition[];
  /** What it has cost; absent: the target has no prices, or none was seen yet. */
  ledger?: Ledger;
}

export interface PoolState {
  /** What serves, or comes up for the first time; null before the first tick. */
  primary: PoolSpec | null;
  /** What is being rolled out. */
  canary: PoolSpec | null;
  /** True once the pool has reached its target: from then on a new revision is staged, not applied. */
  hasServed: boolean;
  /** False: replicas come up, but no traffic before the Rollout's first SHIFT (a pool added to a rolled-out service). */
  takesTraffic: boolean;
  /** Starts of a revision that failed since one last became ready. */
  failures: PoolFailures | null;
  /** The intent's attempt that `failures` belongs to. */
  attemptSeen: number;
  /** What the autoscaler remembers; null: a fixed number of replicas. */
  scale: ScaleState | null;
  /** What the spot policy remembers; absent: the pool has never used the spot market. */
  spot?: PoolSpot;
}

export interface PoolSpot {
  mix: SpotState;
  memory: PlacementMemory;
  /** VMs of each market that were wanted last, so that a change is told once; null: nothing was yet. */
  counts: Markets | null;
  /** A replica is missing and has no place to go to just now; null: none is. */
  lacks: { market: Market; reason: string } | null;
}

export interface PoolFailures {
  revision: Revision;
  /** In a row, without a step or a minute of readiness in between; one that exceeded its grace counts as enough of them. */
  count: number;
  /** How many there really were; absent: `count`. */
  starts?: number;
  reason: string;
  /** No launch of this revision before. */
  retryAt: number;
  /** The cloud has nothing to give: waited for, never counted as the program's fault. */
  capacity: boolean;
}

export type ReplicaStatus =
  /** Journalled; the VM may or may not have been asked for. */
  | "launching"
  /** The VM exists; boot, setup and model load. */
  | "starting"
  | "ready"
  /** Was ready; its probes fail. Still counted, gets no traffic. */
  | "notReady"
  /** Its VM stays, its program is being replaced by one of another revision. */
  | "restarting"
  /** Out of the routing; running requests go on to their end or `drainDeadline`. */
  | "draining"
  /** Told to end; the VM is still there and still counts. */
  | "terminating";

export interface Replica {
  id: string;
  pool: string;
  revision: Revision;
  status: ReplicaStatus;
  launchedAt: number;
  /** When the program that runs was asked for: with the VM, or at the last restart. The startup grace counts from here. */
  startedAt: number;
  /** Restarts on the same VM so far: what is seen of an earlier program does not count. */
  restarts: number;
  /** Hash of the userConfig that it acknowledged last; null: none yet. */
  configured: string | null;
  /** The userConfig that it refused, and how; told, and never sent again until another one is declared. */
  refusedConfig: { hash: string; reason: string } | null;
  /** When probes began to succeed without a break; ready counts from here (minReadySeconds). */
  passingSince: number | null;
  readyAt: number | null;
  /** Since when the cloud's listing leaves it out without other evidence that it is gone. */
  missingSince: number | null;
  /** Since when it is not ready after having been. */
  notReadySince: number | null;
  address: { host: string; port: number } | null;
  zone: string | null;
  /** Which of the machines it is that its pool takes; absent: the pool takes only one. */
  shape?: string;
  market: "onDemand" | "spot";
  /** When the cloud takes its VM, once it said so: it is replaced now, and counts against no cap. Null: nothing was said. */
  noticedUntil: number | null;
  /** Since when the cloud has held its VM for likelier to be taken than others; absent: it has said nothing. */
  atRiskSince?: number;
  /** Routing generation that first leaves it out; its in-flight count means something only from there on. */
  drainGeneration: number | null;
  drainSince: number | null;
  /** True once it was seen to have left the routing: the time for its running requests began then. */
  drainInForce?: boolean;
  drainDeadline: number | null;
  /** As declared when its program was asked for: what it has when its revision is declared no more. */
  drainSeconds?: number;
  /** What follows the drain: the VM ends, or its program restarts as this revision. */
  afterDrain: { kind: "end" } | { kind: "restart"; revision: Revision };
  /** Why it is being ended, or is not ready. */
  reason: string | null;
}

export interface RolloutProgress {
  id: number;
  targetKey: string;
  /** Ordinal of the service as it is when this is over. */
  version: number;
  target: RolloutTarget;
  /** What the intent's target was when this one began; another one than `target` in a rollback by an operator. */
  declared: RolloutTarget;
  /** The hold that the intent asked for when it was last looked at: a promote by an operator outlives it. */
  declaredPercent: number | null;
  origin: { kind: "declared" } | { kind: "operator"; reason: string };
  /** The kept version that it brings back, which no bake and no gate holds up; absent: a version that has to prove itself. */
  bringsBack?: number;
  strategy: Strategy;
  startedAt: number;
  /** Frozen at the start: the plan that preview showed. */
  pools: PlannedPool[];
  cap: Record<string, number>;
  floor: Record<string, number> | null;
  /** The version that the plan makes more of; the other one makes room. */
  growing: "canary" | "primary";
  plan: PlanState[];
  /** The plan state being established. */
  cursor: number;
  /** When the state at `cursor` became the goal. */
  cursorSince: number;
  /** Since when the state at `cursor` is established and settled; null: it is not. Bake and gates count from here. */
  settledAt: number | null;
  /** What of the growing side settled there, while more of it comes up because of load; absent: all that the state has. */
  settledWith?: Record<string, number>;
  /** Time in which the clocks stand still: holds, pauses, capacity waits (A19). */
  stopped: StoppedClock;
  /** When it was last noted that somebody looks on, while a clock runs: a longer silence is counted by none. Absent: never. */
  seenAt?: number;
  /** The declared hold (canaryPercent) that has been reached. */
  held: { percent: number; since: number } | null;
  paused: { since: number } | null;
  /** What an operator's promote lets pass at the cursor; `everything`: even a failing gate. */
  waved: "waits" | "everything" | null;
  /** The cloud has nothing to give; starved: for longer than `capacityWaitSeconds`. */
  capacity: { since: number; starved: boolean } | null;
  /** Automatic rollback is off and the canary failed: why, until an operator or a new target decides. */
  failed: string | null;
  gate: GateState | null;
  direction: Direction;
  /** Most VMs of all pools that were ever counted at once. */
  peakReplicas: number;
}

export type Direction =
  | { kind: "forward" }
  /** Going back to the primary; `rejects` tells whether the target must not be tried again by itself. */
  | {
      kind: "back";
      reason: string;
      rejects: boolean;
      cause: RollbackCause;
      mode: RollbackMode;
      walk: Walk;
      /** The first pool whose primary does not come up by itself, while the canary serves in its place; absent: there is none. */
      awaits?: { pool: string; since: number };
    };

/** planned: state by state, as a path says; continuous: as fast as what is ready allows. */
export type Walk = "planned" | "continuous";

export interface StoppedClock {
  /** Sum of the stops that are over, since the rollout began and since the present state became the goal. */
  totalMs: number;
  stepMs: number;
  since: number | null;
}

export interface KeptVersion {
  version: number;
  serviceRevision: string;
  pools: Record<string, PoolSpec>;
  /** When it was replaced. */
  replacedAt: number;
}

export interface Rejection {
  reason: string;
  cause: RollbackCause;
  at: number;
  version: number;
}

export interface Outcome {
  rolloutId: number;
  targetKey: string;
  kind: "promoted" | "rolledBack" | "superseded";
  version: number;
  reason: string | null;
  startedAt: number;
  endedAt: number;
  peakReplicas: number;
}

export interface RoutingState {
  /** Last generation decided; in force once the data plane reports it. */
  generation: number;
  /** Last generation that the data plane reported as in force. */
  inForce: number;
  /** Content of that generation, so that an unchanged wish makes no new one. */
  hash: string;
  /** Weights of that generation, for every pool that takes part in the rollout. */
  weights: { canary: number; primary: number };
  /** Pools that have another split than this, as one version stands in for the other, which lost its replicas; absent: none. */
  apart?: Record<string, { canary: number; primary: number }>;
}

export interface Condition {
  kind:
    | "endpointInUse"
    | "storeUnwritable"
    | "noCapacity"
    | "replicaFailing"
    | "dataPlaneDown"
    /** A replica refuses the declared userConfig. */
    | "configRefused"
    /** A gate fails or has no verdict yet. */
    | "gate";
  pool: string | null;
  message: string;
  since: number;
}
