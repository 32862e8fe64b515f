import type * as pulumi from "@pulumi/pulumi";

/** How a rollout moves a service; `kind` says which way, the default is a surge. */
export type StrategyArgs = SurgeArgs | BlueGreenArgs | RollingArgs | InPlaceArgs;

export interface StrategyBaseArgs {
  /**
   * A rollout that takes longer goes back by itself; holds, pauses and waits for capacity do not count, nor does what is
   * beyond 20 s of a time without an agent. In seconds, or a text such as "90m". Default: 7200. Change: holds for the
   * rollout in progress too.
   */
  timeoutSeconds?: pulumi.Input<number | string>;
  /** The same for one step. Default: none, only the total counts. */
  stepTimeoutSeconds?: pulumi.Input<number | string>;
  /** How long `up` waits for replicas that the cloud does not give. The rollout stays where it is. Default: 1800. */
  capacityWaitSeconds?: pulumi.Input<number | string>;
  /** Wait at each settled state, and before the last primaries go. In seconds, or a text. Default: 0. */
  bakeSeconds?: pulumi.Input<number | string>;
  /** What must hold at each settled state before the rollout goes on; one that fails takes it back. Default: none. */
  gates?: GateArgs[];
  /** How it goes back by itself. Default: safe. Not beside `canaryPercent`, which turns that off. */
  rollback?: RollbackArgs;
  /**
   * Versions that can be brought back after they were replaced, 0 to 50: by `pulumi-serve rollout rollback`, or by a program
   * that declares one again, which no bake and no gate holds up then. Default: 3.
   */
  keepRevisions?: pulumi.Input<number>;
}

/** New replicas beside old ones, a share at a time: capacity never falls, at the price of some more VMs. */
export interface SurgeArgs extends StrategyBaseArgs {
  kind?: "surge";
  /** Replicas above the steady state at any time, in percent of it, rounded up: 1 to 100. Default: 25. */
  maxSurgePercent?: pulumi.Input<number>;
  /**
   * Hold at this share of the traffic, in percent: 0 to 100. 0: one replica of each pool, for requests that name its
   * version. Turns automatic rollback off. Default: none, runs to its end. Change: the held rollout goes on to the new
   * share, up or down; 100 completes it.
   */
  canaryPercent?: pulumi.Input<number>;
}

/**
 * A whole second fleet, then all traffic at once: versions never share the traffic, at the price of twice the VMs. It cuts
 * over when that fleet is whole by the number that is declared then.
 */
export interface BlueGreenArgs extends StrategyBaseArgs {
  kind: "blueGreen";
}

/** Replicas replaced in waves, within their number: no more VMs, at the price of some capacity. */
export interface RollingArgs extends StrategyBaseArgs {
  kind: "rolling";
  /** Most replicas of a pool that are down at once, in percent, rounded down, at least one: 1 to 100. Default: 20. */
  maxUnavailablePercent?: pulumi.Input<number>;
  /**
   * "startFirst": a wave starts before the one that it replaces ends, so that none is missing. Where the cloud has no room
   * for that, it goes on by "stopFirst", but for a pool of one replica. Default: "stopFirst".
   */
  order?: pulumi.Input<"stopFirst" | "startFirst">;
  /** True: the only replica of a pool may end before its successor serves. Default: false, it starts first then. */
  allowOutage?: pulumi.Input<boolean>;
}

/** Rolling on the same VMs, whose programs restart. Refuses a change that needs other machines. */
export interface InPlaceArgs extends StrategyBaseArgs {
  kind: "inPlace";
  /** Most replicas of a pool that are down at once, in percent, rounded down, at least one: 1 to 100. Default: 20. */
  maxUnavailablePercent?: pulumi.Input<number>;
  /** True: the only replica of a pool may restart while none serves. Default: false, which refuses such a change. */
  allowOutage?: pulumi.Input<boolean>;
}

export type RollbackArgs =
  /** "safe": old replicas are back before their traffic is. "immediate": all traffic at once, whatever they can carry. */
  | { mode: "safe" | "immediate" }
  /** The way of a surge the other way round. `maxSurgePercent`: its step, 1 to 100. Default: the strategy's, or 25. */
  | { mode: "gradual"; maxSurgePercent?: pulumi.Input<number> };

/** Numbers are the balancer's own, of the time since the state settled. At least one limit must be given. */
export type GateArgs =
  | {
      /** Requests that fail: answered with 5xx, broken off, or broken before their first byte and answered by another replica. */
      kind: "errorRate";
      /** Most of the canary's requests, in percent. */
      maxPercent?: pulumi.Input<number>;
      /** Most percentage points above the primary's own rate. Not with blueGreen. */
      maxAbovePrimary?: pulumi.Input<number>;
      /** Requests of each version that it takes for a verdict; fewer hold the rollout. Default: 100. */
      minRequests?: pulumi.Input<number>;
    }
  | {
      /** 95th percentile of the time to the whole answer, or to its first byte. */
      kind: "p95" | "firstByteP95";
      /** Most milliseconds. */
      maxMilliseconds?: pulumi.Input<number>;
      /** Most times the primary's own value. Not with blueGreen. */
      maxTimesPrimary?: pulumi.Input<number>;
      /** Requests of each version that it takes for a verdict; fewer hold the rollout. Default: 100. */
      minRequests?: pulumi.Input<number>;
    }
  | {
      /** A shell command where the agent runs: exit code 0 passes. Like `env` it is nowhere in clear, but in a list of processes. */
      kind: "command";
      run: pulumi.Input<string>;
      /** Its environment, besides PULUMI_SERVE_*; values may be secrets, which are left out of what it says. Default: none. */
      env?: pulumi.Input<Record<string, pulumi.Input<string>>>;
      /** Default: 60. */
      timeoutSeconds?: pulumi.Input<number | string>;
    }
  | {
      /** A POST with the rollout as JSON: an answer of 200 to 299 passes. */
      kind: "webhook";
      /** May be a secret. */
      url: pulumi.Input<string>;
      /** Sent with it; values may be secrets. Default: none. */
      headers?: pulumi.Input<Record<string, pulumi.Input<string>>>;
      /** Default: 60. */
      timeoutSeconds?: pulumi.Input<number | string>;
    };
