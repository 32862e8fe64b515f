import type { Verb } from "./command";
import type { GateVerdict } from "./gate/state";
import type { PlannedPool, PlanState } from "./plan/states";
import type { RollbackCause } from "./rollout/cause";
import type { Market } from "./spot/candidate";
import type { Gate, RollbackMode, Strategy } from "./strategy";

/**
 * The replayable trace: enough to prove or refute the invariants afterwards, from the log alone. Never a secret.
 * Each line says what was decided or seen; `seq` has no gaps, `epoch` never falls.
 */
export type ServeEvent = { seq: number; at: number; epoch: number } & EventBody;

export type EventBody =
  | { kind: "leaseTaken"; packageVersion: string }
  | {
      kind: "poolDeclared";
      pool: string;
      revision: string;
      /** As declared; of an autoscaled pool that serves already, what it is to have within its new bounds. */
      replicas: number;
      change: "first" | "light" | "staged" | "removed";
      /** light: which of its versions that is about. Absent in the log of an older version. */
      side?: "primary" | "canary";
      /** Hash of the userConfig that each replica of this revision takes before it is ready; null: none is declared. */
      config?: string | null;
      /** Absent: all replicas are on-demand. */
      spot?: SpotBounds;
    }
  | {
      kind: "replicaLaunching";
      replica: string;
      pool: string;
      revision: string;
      market?: Market;
      /** Null: the cloud chooses. */
      zone?: string | null;
      /** Of the machine; absent: the pool has only one. */
      shape?: string;
      /** Why there, of all places. */
      why?: string;
    }
  /** How many VMs of each market a pool should have from now on. */
  | {
      kind: "marketsMixed";
      pool: string;
      replicas: number;
      spot: number;
      onDemand: number;
      /** Of `onDemand`: in the place of spot. */
      fallback: number;
      reason: string | null;
    }
  /** Another number of replicas that the pool, or that version of it in a rollout, is to have. */
  | { kind: "scaled"; pool: string; side: "primary" | "canary"; from: number; to: number; reason: string }
  | { kind: "replicaStarting"; replica: string; zone: string }
  | { kind: "replicaReady"; replica: string; afterSeconds: number }
  | { kind: "replicaNotReady"; replica: string; reason: string }
  /** The world took it, or its program ended: not our action. */
  | { kind: "replicaLost"; replica: string; reason: string }
  /** The cloud will take its VM: it counts for nothing from here on, whatever becomes of it. */
  | { kind: "replicaNoticed"; replica: string; until: number }
  /** The cloud may take its VM, and may never do so. */
  | { kind: "replicaAtRisk"; replica: string }
  | { kind: "replicaDraining"; replica: string; reason: string }
  /** The routing without it never came into force, and it is needed: it serves on. */
  | { kind: "drainTakenBack"; replica: string; reason: string }
  | { kind: "replicaDrained"; replica: string; inFlight: number; seconds: number }
  | { kind: "replicaTerminating"; replica: string; reason: string }
  | { kind: "replicaEnded"; replica: string }
  /** Drained, on the same VM; from here on it is of this revision. */
  | { kind: "replicaRestarting"; replica: string; revision: string; restarts: number }
  | { kind: "replicaReconfigured"; replica: string; config: string }
  | { kind: "configRefused"; replica: string; config: string; reason: string }
  | { kind: "launchFailed"; replica: string; code: string; reason: string }
  | { kind: "orphanSeen"; replica: string }
  /** It is not listed any more. */
  | { kind: "orphanEnded"; replica: string }
  | { kind: "routed"; generation: number; pools: Record<string, RoutedPool> }
  | { kind: "routeInForce"; generation: number }
  | {
      kind: "rolloutStarted";
      rollout: number;
      targetKey: string;
      version: number;
      pools: PlannedPool[];
      cap: Record<string, number>;
      strategy: Strategy["kind"];
      /** Most percentage points by which the canary's traffic may grow in one step. */
      maxShiftPercent: number;
      /** Per pool: ready replicas of both versions that our moves leave; null: each version keeps its share instead. */
      floor: Record<string, number> | null;
      origin: "declared" | "operator";
      revisions: Record<string, { from: string | null; to: string | null }>;
      /** Absent, as all that came later, in the log of an older version: it is not judged then. */
      waits?: RolloutWaits;
      /** Per pool: hash of the canary's userConfig; null: it has none. */
      configs?: Record<string, string | null>;
      /** Per pool: what bounds its VMs once the canary is the primary; null: it uses no spot then. */
      markets?: Record<string, SpotBounds | null>;
    }
  /** The program has changed what the rollout under way waits for. */
  | { kind: "rolloutRetuned"; rollout: number; waits: RolloutWaits; gatesChanged: boolean }
  | { kind: "rolloutStep"; rollout: number; step: number; steps: number; state: PlanState }
  /** The same rollout by another plan from here on: another hold, other numbers of replicas. */
  | {
      kind: "rolloutReplanned";
      rollout: number;
      reason: string;
      pools: PlannedPool[];
      cap: Record<string, number>;
      floor: Record<string, number> | null;
      /** primary: to a lower hold, or back. */
      growing: "canary" | "primary";
      /** Whether the state that the new plan begins at is one that is waited at; absent: the plan goes on as it was. */
      waitsHere?: boolean;
    }
  /** The state at the cursor is established, and its bake and its gates begin. Told again after each repair of it. */
  | { kind: "rolloutSettled"; rollout: number; percent: number }
  /** Nobody decided anything since `from`, or the clock was put back to there: no wait counts that time. */
  | { kind: "rolloutUnwatched"; rollout: number; from: number }
  | { kind: "rolloutHeld"; rollout: number; percent: number }
  /** Automatic rollback is off and the canary failed. */
  | { kind: "rolloutFailed"; rollout: number; reason: string }
  | { kind: "capacityWait"; rollout: number; pool: string; reason: string }
  | { kind: "capacityFound"; rollout: number; seconds: number }
  /** The wait has lasted longer than capacityWaitSeconds: `up` ends with that, and nothing moves. */
  | { kind: "capacityStarved"; rollout: number; pool: string; reason: string }
  | { kind: "gateJudged"; rollout: number; percent: number; verdict: GateVerdict }
  | { kind: "commandObeyed"; verb: Verb["kind"]; detail: string }
  | {
      kind: "rollingBack";
      rollout: number;
      cause: RollbackCause;
      reason: string;
      mode: RollbackMode["mode"];
      /** gradual: most percentage points by which the canary's traffic may fall in one step. */
      maxSurgePercent?: number;
    }
  /** Going back, a pool's primary does not come up by itself: the canary serves there until it does. */
  | { kind: "primaryAwaited"; rollout: number; pool: string; reason: string }
  | { kind: "primaryFound"; rollout: number; seconds: number }
  /** The declared target is the canary's again, or an operator promoted what serves alone: forward from where the rollback had got to. */
  | { kind: "rollbackCancelled"; rollout: number }
  | {
      kind: "rolloutEnded";
      rollout: number;
      outcome: "promoted" | "rolledBack" | "superseded";
      reason: string | null;
      seconds: number;
    }
  | { kind: "rejectionCleared"; targetKey: string }
  | { kind: "guardRefused"; invariant: Invariant; replica: string | null; reason: string }
  | { kind: "serviceDeleting" };

/** What a rollout waits for at each settled state, and for how long at most. */
export interface RolloutWaits {
  /** Kinds alone: what a gate asks and where may be a secret. */
  gates: Gate["kind"][];
  bakeSeconds: number;
  timeoutSeconds: number;
  stepTimeoutSeconds: number | null;
  capacityWaitSeconds: number;
}

/** What bounds the VMs of a pool that uses spot. */
export interface SpotBounds {
  /** On-demand replicas that always run. */
  base: number;
  /** Spot replicas above the pool's number. */
  spare: number;
  /** The most replicas that it scales to; with a fixed number: that. */
  most: number;
}

export interface RoutedPool {
  primary: { revision: string; weight: number; replicas: string[] } | null;
  canary: { revision: string; weight: number; replicas: string[] } | null;
  draining: string[];
}

/** DESIGN section 5; the name that guard, tests and `check` share. */
export type Invariant =
  | "cap"
  | "capacity"
  | "oneEach"
  | "lastHealthy"
  | "noOrphan"
  | "oneActor"
  | "drainFirst"
  | "monotoneTraffic"
  /** blueGreen: never both versions in one routing. */
  | "noMixing"
  /** A pause, a failed gate and a declared hold are left only by the word that ends them. */
  | "holds"
  /** A settled state is left only after its bake, with every gate passed. */
  | "gates"
  /** Nobody is ready before it has taken the userConfig that is declared for it. */
  | "configured"
  /** Nothing is given up for lack of time or capacity before that time is over. */
  | "clocks";

/** The reason of a drain that a declared delete asks for: it exempts the pool from "last healthy" in `check`. */
export const POOL_DELETED = "the pool is being deleted";
