import * as pulumi from "@pulumi/pulumi";
import {
  ReplicaPool,
  type CapacityArgs,
  type ReadinessArgs,
  type ReconfigureArgs,
  type TemplateArgs,
} from "./replica-pool";
import { Rollout, type RolloutPlan } from "./rollout";
import { ServeService, type BalancerArgs, type EndpointArgs } from "./serve-service";
import type { StrategyArgs } from "./strategy";
import { local, type AdditionalTarget, type Target } from "./target";

export interface ModelServiceArgs {
  /** Where the service runs. Default: `local()`. Change of its kind: replaces everything. */
  target?: Target;
  /** Further targets that replicas may be placed in: see ServeServiceArgs. Default: none. Change: light. */
  additionalTargets?: AdditionalTarget[];
  /** Port for clients on 127.0.0.1, or an endpoint with its host. Change: live. */
  endpoint: number | EndpointArgs;
  /** What one replica is. Change: rolled out. */
  template: TemplateArgs;
  /** How a replica shows that it can serve. Default: GET /health within 600 s. Change: light. */
  readiness?: ReadinessArgs;
  /** Settings that running replicas take without a restart; see ReplicaPool. Default: none. Change: no restart. */
  userConfig?: pulumi.Input<unknown>;
  /** How `userConfig` reaches a replica. */
  reconfigure?: ReconfigureArgs;
  /** Your own name for what the template is; see ReplicaPool. Default: none. Change: rolled out. */
  version?: pulumi.Input<string>;
  /** Replicas in steady state. Default: 2, so that losing one leaves one; with `capacity` what that says. Change: light. */
  replicas?: pulumi.Input<number>;
  /** Lets the number of replicas follow the load; see ReplicaPool. Default: none, the number is fixed. Change: light. */
  capacity?: CapacityArgs;
  /** What one replica carries, against a replica of weight 1; see ReplicaPool. Default: 1. Change: light. */
  capacityWeight?: pulumi.Input<number>;
  /** Longest time that running requests get when their replica ends, in seconds. Default: 60. Change: light. */
  drainSeconds?: pulumi.Input<number>;
  /** Estimate of the time from launch to ready, in seconds, for the plan. Default: 60. Change: none. */
  bootSeconds?: pulumi.Input<number>;
  /** What happens to a request on its way to a replica. Change: live. */
  balancer?: BalancerArgs;
  /** How to roll. Default: a surge of 25 %. Change: holds from the next rollout on. */
  strategy?: StrategyArgs;
}

/**
 * A service of one pool on all routes, with its Rollout: the three resources in one go.
 *
 * @example
 * const chat = new serve.ModelService("chat", { endpoint: 8080, template: { run: "python3 server.py", workdir: "./app" } });
 * export const url = chat.url;
 */
export class ModelService extends pulumi.ComponentResource {
  readonly service: ServeService;
  readonly pool: ReplicaPool;
  readonly rollout: Rollout;
  /** `http://host:port` of the endpoint. */
  readonly url: pulumi.Output<string>;
  /** Revision that serves. */
  readonly primaryRevision: pulumi.Output<string>;
  readonly plan: pulumi.Output<RolloutPlan>;

  constructor(name: string, args: ModelServiceArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("pulumi-serve:index:ModelService", name, {}, opts);
    const {
      target = local(),
      additionalTargets,
      endpoint,
      balancer,
      strategy,
      template,
      capacity,
      drainSeconds,
      bootSeconds,
    } = args;
    const scales = capacity?.min !== undefined || capacity?.max !== undefined;
    const replicas = args.replicas ?? (scales ? undefined : 2);
    const parent = { parent: this };
    this.service = new ServeService(
      name,
      { target, additionalTargets, endpoint: typeof endpoint === "number" ? { port: endpoint } : endpoint, balancer },
      parent,
    );
    this.pool = new ReplicaPool(
      name,
      {
        service: this.service,
        template,
        readiness: { path: "/health", ...args.readiness },
        userConfig: args.userConfig,
        reconfigure: args.reconfigure,
        version: args.version,
        replicas,
        capacity,
        capacityWeight: args.capacityWeight,
        drainSeconds,
        bootSeconds,
      },
      parent,
    );
    this.rollout = new Rollout(name, { service: this.service, pools: [this.pool], strategy }, parent);
    this.url = this.service.url;
    this.primaryRevision = this.rollout.primaryRevision;
    this.plan = this.rollout.plan;
    this.registerOutputs({ url: this.url, primaryRevision: this.primaryRevision });
  }
}
