import type { Verb } from "../../../provider/core/command";
import type { ErrorScope } from "../../../provider/core/errors";
import type { ScalingSpec } from "../../../provider/core/scale/spec";
import type { Market } from "../../../provider/core/spot/candidate";
import type { SpotSpec } from "../../../provider/core/spot/spec";
import type { Strategy } from "../../../provider/core/strategy";
import type { StoreTrouble } from "./store";

/** Everything that happens in one run; JSON, so that a failing one can be pasted into a test. Times are milliseconds. */
export interface Scenario {
  /** Of the luck that is not written down here: latencies, boots, who is struck. */
  seed: string;
  revisions: Record<string, RevisionBehaviour>;
  /** What `pulumi up` may find in the program; the first one is deployed before anything else happens. */
  programs: Program[];
  /** By time since the first deployment was over. */
  steps: Step[];
  /** Zones of the cloud; absent: one, whose prices nobody knows. */
  zones?: string[];
  /** What comes to each pool that goes with its load, before a step says otherwise; absent: no pool does. */
  demand?: Demand;
}

/** The load of one pool. */
export interface Demand {
  requestsPerSecond: number;
  /** How long a request takes. */
  requestSeconds: number;
}

/** How replicas of one revision behave. */
export interface RevisionBehaviour {
  bootMs: number;
  /** Never: its probes fail for ever. Exits: its program ends itself as soon as it has booted. */
  start: "ready" | "never" | "exits";
  /** Its probes begin to fail for good this long after it became ready; null: never. */
  failsAfterMs: number | null;
  /** The only path that its health check answers. */
  path: string;
  /** How long running requests go on after it left the routing, at most. */
  drainMs: number;
  /** Of its requests, in percent. */
  errorPercent: number;
  latencyMs: number;
  refusesConfig: boolean;
}

export interface Program {
  pools: ProgramPool[];
  strategy: Strategy;
}

export interface ProgramPool {
  name: string;
  revision: string;
  replicas: number;
  /** What one of its replicas carries; absent: 1. */
  capacityWeight?: number;
  /** Absent: a fixed number of replicas. */
  scaling?: ScalingSpec;
  /** Absent: all on demand. */
  spot?: SpotSpec;
  drainSeconds: number;
  minReadySeconds: number;
  startupGraceSeconds: number;
  /** Name of its userConfig's content; null: none. */
  config: string | null;
  /** What a running replica that refuses it comes to. */
  onRefusal: "report" | "replace";
}

export type Step = { at: number } & (Operation | Fault);

/** What people do. */
export type Operation =
  /** A CLI that is killed leaves what it has declared so far. */
  | { kind: "up"; program: number; killAfterMs: number | null }
  | { kind: "verb"; verb: Verb }
  /** Create first, then the delete that carries the older incarnation: nothing may end. */
  | { kind: "replace"; what: "service" | "pool" | "rollout"; pool: number }
  | { kind: "deletePool"; pool: number }
  /** Nobody drives from then on, until the next `up`. */
  | { kind: "deleteRollout" }
  | { kind: "deleteService" };

export type OrderKind = "launch" | "terminate" | "route" | "restart" | "reconfigure" | "runGate";

/** What the world does. */
export type Fault =
  /** The controller dies at its `calls`-th call to the store, the cloud or the data plane from now on. */
  | { kind: "crash"; calls: number; when: "before" | "after"; downMs: number }
  /** Stopped in whatever it does; once its lease is dead another one takes over, and it wakes with its old epoch. */
  | { kind: "suspend"; forMs: number }
  /** A second one takes the lease although the first lives. */
  | { kind: "split" }
  | { kind: "lose"; pick: number; count: number }
  /** The cloud says that it takes some in so long; `isFollowed`: and does. */
  | { kind: "notice"; pick: number; count: number; inMs: number; isFollowed: boolean }
  /** The cloud recommends to have some elsewhere; null: and takes none of them. */
  | { kind: "atRisk"; pick: number; count: number; lostInMs: number | null }
  /** A market gives nothing in a zone, and takes some of what it gave: at once, or so long after it has said so. */
  | {
      kind: "zone";
      zone: number;
      market: Market;
      scope: "zoneAndType" | "market";
      forMs: number;
      takes: number;
      noticeMs: number | null;
    }
  | { kind: "exit"; pick: number }
  | { kind: "sick"; pick: number; forMs: number }
  | { kind: "refuse"; scope: ErrorScope; forMs: number }
  | { kind: "slowBoot"; times: number; forMs: number }
  | { kind: "network"; order: OrderKind; how: "lostReply" | "late" | "duplicate"; forMs: number; delayMs: number }
  /** The listing leaves the VM out. */
  | { kind: "hide"; pick: number; forMs: number }
  /** The cloud answers nothing but that it was asked too often. */
  | { kind: "throttle"; forMs: number }
  /** The same for some launches only. */
  | { kind: "throttleLaunches"; percent: number; forMs: number }
  | { kind: "store"; how: StoreTrouble; times: number }
  | { kind: "clock"; jumpMs: number }
  /** The engine ends; it comes back with the routing that it remembers, or with none. */
  | { kind: "dataPlane"; downMs: number; remembers: boolean }
  | { kind: "load"; requestsPerSecond: number }
  /** Of one pool that goes with its load; null: of all of them. */
  | { kind: "demand"; pool: number | null; requestsPerSecond: number }
  | { kind: "gate"; outcome: "passed" | "failed" | "unreachable" };

export function isOperation(step: Step): step is { at: number } & Operation {
  switch (step.kind) {
    case "up":
    case "verb":
    case "replace":
    case "deletePool":
    case "deleteRollout":
    case "deleteService":
      return true;
    default:
      return false;
  }
}
