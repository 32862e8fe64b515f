import * as pulumi from "@pulumi/pulumi";
import { hasType, ServeResource, typeToken } from "./dynamic-resource";
import type { ReplicaPool } from "./replica-pool";
import type { ServeService } from "./serve-service";
import type { StrategyArgs } from "./strategy";
import type { Timeouts } from "./timeouts";

export interface RolloutArgs {
  /** The service to move. Change: replaces the Rollout, which touches no replica. */
  service: ServeService;
  /** Pools that move together, all of this service. Change: the next rollout has other pools. */
  pools: ReplicaPool[];
  /**
   * How to move. Default: a surge of 25 %. Change: holds from the next rollout on; a rollout that holds at a
   * `canaryPercent` goes on from there.
   */
  strategy?: StrategyArgs;
  /** How long operations may wait. Default: the strategy's timeout and 15 minutes for going back. Change: no effect on what runs. */
  timeouts?: Timeouts;
}

export interface RolloutPlan {
  /** The plan in one sentence. */
  summary: string;
  /** What changes in each pool and how: light, restart or replace. */
  changes: string[];
  /** What the strategy means for this rollout: where it holds and waits, what capacity it takes, how it goes back. */
  notes: string[];
  /** Each step: canary, primary, traffic; of very many the first and the last ones. */
  steps: string[];
  /** The most replicas that exist at once, all pools together. */
  peakReplicas: number;
  /** The most replicas that may exist at once, per pool. */
  cap: Record<string, number>;
  /** Boots, one step after the other. */
  estimatedSeconds: number;
  /** Boots, and each drain taking its whole `drainSeconds`. */
  longestSeconds: number;
  /**
   * What it means in dollars, by the target's prices when the plan was made; a price that moves later changes no plan. Absent
   * where the target has no prices, and before the first deployment.
   */
  cost?: PlanCost;
}

export interface PlanCost {
  /** In one sentence. */
  summary: string;
  /** In steady state before it, per hour. */
  before: { spot: number; onDemand: number };
  /** In steady state after it, per hour; spare spot replicas are counted. */
  after: { spot: number; onDemand: number };
  /** Of the replicas that exist only while it goes on, for as long as is estimated, at the on-demand price. */
  rollout: number;
}

export interface RolloutOutcome {
  /**
   * - promoted: the declared revisions serve.
   * - held: at the declared split, until it is promoted, aborted or declared otherwise; `pulumi up` ended well.
   * - rolledBack: what served before serves; `up` moves nothing until the program changes or `rollout retry`.
   * - superseded: a newer `up` declared something else; its own outcome counts.
   * - capacityStarved: the cloud does not give the replicas; the rollout waits where it is, the next `up` follows it.
   * - failed: the canary failed while automatic rollback was off; it stays where it is until somebody decides.
   */
  kind: "promoted" | "held" | "rolledBack" | "superseded" | "capacityStarved" | "failed";
  /** Why it is not promoted; null when it is. */
  reason: string | null;
  /** From its start to its end, or to where it waits. */
  seconds: number;
  /** The most replicas that existed at once. */
  peakReplicas: number;
  /** The version that was rolled out, whether or not it serves. */
  version: number;
}

export interface RolloutRejection {
  version: number;
  reason: string;
}

/**
 * Moves a service to the staged revisions of its pools without failing a request. `pulumi preview --diff` shows the plan.
 *
 * @example new serve.Rollout("chat", { service, pools: [pool], strategy: { maxSurgePercent: 25 } })
 */
export class Rollout extends ServeResource {
  /** @internal */
  static readonly __pulumiType = typeToken("Rollout");

  static override isInstance(value: unknown): value is Rollout {
    return hasType(value, Rollout.__pulumiType);
  }

  /** Revision of the service that serves: a hash over its pools' revisions. */
  declare readonly primaryRevision: pulumi.Output<string>;
  /** Its number, counted up with each new revision; a rollback shows the old one again. */
  declare readonly version: pulumi.Output<number>;
  /** How the service gets from what serves to what is declared. */
  declare readonly plan: pulumi.Output<RolloutPlan>;
  /** How the last rollout ended, or what the one in progress waits for; null before the first. */
  declare readonly outcome: pulumi.Output<RolloutOutcome | null>;
  /** What the program declares and was rolled back, so that nothing moves; null: nothing is in its way. */
  declare readonly rejected: pulumi.Output<RolloutRejection | null>;
  /** Versions that `pulumi-serve rollout rollback --to-version` can bring back, newest first. */
  declare readonly keptVersions: pulumi.Output<number[]>;

  constructor(name: string, args: RolloutArgs, opts: pulumi.CustomResourceOptions = {}) {
    const { service, pools } = args;
    service.claimRollout(name);
    if (pools.some((pool) => !pool.belongsTo(service))) {
      throw new pulumi.RunError(`Rollout "${name}": all \`pools\` must be of the service that \`service\` names.`);
    }
    const facts = pools.map((pool) => pool.facts);
    const outputs = ["primaryRevision", "version", "plan", "planStates", "outcome", "rejected", "keptVersions"];
    super(
      "Rollout",
      name,
      { ...args, service: service.serviceId, ...service.declaredTargets, pools: facts },
      outputs,
      opts,
    );
  }
}
