import type { Invariant, ServeEvent } from "./events";
import type { PoolSpec, Revision } from "./spec/pool";
import type { RolloutTarget, SurgeStrategy } from "./intent";
import type { PlannedPool, PlanState } from "./plan/surge";
import type { RollbackCause } from "./rollout/cause";

/** What is so, as far as the controller has decided and seen. Written by the lease holder only. */
export interface State {
  schemaVersion: 1;
  /** Fencing number of the writer. */
  epoch: number;
  /** Version of the intent that the last tick worked from; a handler waits until its own write has been seen. */
  intentVersion: number;
  pools: Record<string, PoolState>;
  replicas: Record<string, Replica>;
  nextReplica: number;
  rollout: RolloutProgress | null;
  /** True once a Rollout adopted what serves: from then on new pools wait for a SHIFT. */
  adopted: boolean;
  /** Target keys that failed, with the sentence why; cleared by `rollout retry`. */
  rejected: Record<string, Rejection>;
  /** How the last rollout ended. */
  lastOutcome: Outcome | null;
  /** Version ordinals by service revision (hash over all pools' revisions). */
  versions: Record<string, number>;
  routing: RoutingState;
  /** Events of the last persisted tick: appended to the log after the state, and again after a crash in between. */
  outbox: ServeEvent[];
  nextEvent: number;
  commandsSeen: { abort: number; retry: number };
  /** True once the service's deletion was seen and told. */
  deleting: boolean;
  nextRollout: number;
  /** VMs that carry our tag but are not ours any more, being ended. */
  orphans: string[];
  /** What the guard refused in the last tick, so that each refusal is told once. */
  refused: Record<string, Invariant>;
  /** Why the service cannot be what was declared, where that is known; shown by status, follow loops and outputs. */
  conditions: Condition[];
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
}

export interface PoolFailures {
  revision: Revision;
  /** In a row, without a step or a minute of readiness in between. */
  count: number;
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
  /** When probes began to succeed without a break; ready counts from here (minReadySeconds). */
  passingSince: number | null;
  readyAt: number | null;
  /** Since when it is not ready after having been. */
  notReadySince: number | null;
  address: { host: string; port: number } | null;
  zone: string | null;
  market: "onDemand" | "spot";
  /** Routing generation that first leaves it out; its in-flight count means something only from there on. */
  drainGeneration: number | null;
  drainSince: number | null;
  drainDeadline: number | null;
  /** Why it is being ended, or is not ready. */
  reason: string | null;
}

export interface RolloutProgress {
  id: number;
  targetKey: string;
  target: RolloutTarget;
  strategy: SurgeStrategy;
  startedAt: number;
  /** Frozen at the start: the plan that preview showed. */
  pools: PlannedPool[];
  cap: Record<string, number>;
  plan: PlanState[];
  /** The plan state being established. */
  cursor: number;
  /** When the state at `cursor` became the goal. */
  cursorSince: number;
  direction: Direction;
  /** Most VMs of all pools that were ever counted at once. */
  peakReplicas: number;
}

export type Direction =
  | { kind: "forward" }
  /** Going back to the primary; `rejects` tells whether the target must not be tried again by itself. */
  | { kind: "back"; reason: string; rejects: boolean; cause: RollbackCause };

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
}

export interface Condition {
  kind: "endpointInUse" | "storeUnwritable" | "noCapacity" | "replicaFailing" | "dataPlaneDown";
  pool: string | null;
  message: string;
  since: number;
}
