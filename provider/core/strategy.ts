/** How a rollout moves a service, complete: every default of the program is filled in. */
export type Strategy = StrategyCommon & (SurgeStrategy | BlueGreenStrategy | RollingStrategy | InPlaceStrategy);

export interface StrategyCommon {
  /** Total time before an automatic rollback, holds and capacity waits left out (A19). Default 120 minutes. */
  timeoutSeconds: number;
  /** Longest time for one plan state, by the same clock; null: only the total counts. */
  stepTimeoutSeconds: number | null;
  /** How long `up` waits for capacity that the cloud does not give. The rollout stays where it is, nothing goes back. */
  capacityWaitSeconds: number;
  /** Wait at each settled state, and before the primary goes (A20). Default 0. */
  bakeSeconds: number;
  /** Judged at each settled state; all must pass. */
  gates: Gate[];
  /** How an automatic rollback goes. Default safe. */
  rollback: RollbackMode;
  /** Revisions of the service that stay available to `rollout rollback` after they were replaced. */
  keepRevisions: number;
}

/** Rule R: canaries beside primaries, a share at a time, every billed VM counted. */
export interface SurgeStrategy {
  kind: "surge";
  /** 1..100 percent of N above N. */
  maxSurgePercent: number;
  /** Hold at this split until told otherwise; 0: one canary, by header only; null: run to the end. Turns automatic rollback off. */
  canaryPercent: number | null;
}

/** A whole second fleet, then one cut-over: versions never share the traffic. */
export interface BlueGreenStrategy {
  kind: "blueGreen";
}

/** Replicas replaced in waves; traffic by replica. */
export interface RollingStrategy {
  kind: "rolling";
  /** 1..100; a wave is that share of the pool, rounded down, at least one replica. Default 20 (Ray Serve). */
  maxUnavailablePercent: number;
  /** startFirst: a wave starts before the one that it replaces ends, where there is room. */
  order: "stopFirst" | "startFirst";
  /** True: the only replica of a pool may end before its successor serves. */
  allowOutage: boolean;
}

/** Rolling on the same VMs: each is drained, then its program is replaced. */
export interface InPlaceStrategy {
  kind: "inPlace";
  maxUnavailablePercent: number;
  allowOutage: boolean;
}

export type RollbackMode =
  /** Primary restored first; traffic returns only as fast as ready capacity. */
  | { mode: "safe" }
  /** All traffic at once, whatever the primary can carry; the cap still binds. */
  | { mode: "immediate" }
  /** Rule R mirrored, with its own surge. */
  | { mode: "gradual"; maxSurgePercent: number };

/** What must hold at a settled state before the rollout goes on. Numbers are the balancer's own, since the state settled. */
export type Gate =
  | {
      kind: "errorRate";
      /** Most of the canary's requests, in percent, that may fail (5xx, broken off, or made good by others); null: no absolute limit. */
      maxPercent: number | null;
      /** Most percentage points above the primary's own rate; null: not compared. */
      maxAbovePrimary: number | null;
      /** Requests of each version that is looked at before there is a verdict. */
      minRequests: number;
    }
  | {
      kind: "p95" | "firstByteP95";
      maxMilliseconds: number | null;
      /** Most times the primary's own value; null: not compared. */
      maxTimesPrimary: number | null;
      minRequests: number;
    }
  | {
      /** command: run by the agent, exit code 0 passes. webhook: a POST with the rollout as JSON, 2xx passes. */
      kind: "command" | "webhook";
      /** Name of its `GateContent` in the store: a command, an address, headers may hold secrets. Another content, another name. */
      secret: string;
      timeoutSeconds: number;
    };

/** Where nobody says how much: of a surge, and of a gradual rollback from a strategy without one. */
export const DEFAULT_SURGE_PERCENT = 25;
