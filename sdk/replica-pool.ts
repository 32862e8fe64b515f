import type * as pulumi from "@pulumi/pulumi";
import { hasType, ServeResource, typeToken } from "./dynamic-resource";
import type { ServeService } from "./serve-service";
import type { Timeouts } from "./timeouts";

export interface ReplicaPoolArgs {
  /** The service that the pool belongs to. Change: replaces the pool. */
  service: ServeService;
  /** Requests whose path begins with it go to this pool; the longest one wins. Default: "/". Change: live. */
  route?: pulumi.Input<string>;
  /** What one replica is. Change: a new revision, which a Rollout carries out. */
  template: TemplateArgs;
  /** How a replica shows that it can serve. Change: light, no restart; together with a new template it is staged with it. */
  readiness?: ReadinessArgs;
  /**
   * Settings that a running replica takes without a restart: any JSON value, also a secret. It is sent to every running
   * replica, and to each one started later before that becomes ready; `reconfigure` says how. It is no part of the
   * revision. Default: none. Change: no restart, `up` waits until every replica has taken it; together with a new
   * template it is staged with it. Removed: running replicas keep the last one.
   */
  userConfig?: pulumi.Input<unknown>;
  /** How `userConfig` reaches a replica. Change of path or method: it is sent again; of the rest: live. */
  reconfigure?: ReconfigureArgs;
  /**
   * Your own name for what the template is. As long as it stays the same nothing is redeployed, whatever the template
   * says: replicas started later are like those that serve, and `preview` and `up` warn. Default: none, the content
   * counts. Change: a new revision, which a Rollout carries out.
   */
  version?: pulumi.Input<string>;
  /** Fixed number of replicas in steady state; not beside `capacity.min` and `max`. Default: 1. Change: light, replicas are added, or drained and ended. */
  replicas?: pulumi.Input<number>;
  /** Lets the number of replicas follow the load, and says which market they come from. Default: a fixed number, all on-demand. Change: light, no replica restarts. */
  capacity?: CapacityArgs;
  /**
   * What one replica carries, relative to a replica of weight 1: a number from 0.01 to 100 with at most two decimals. It
   * tells versions of the pool apart that run on different machines: 1 for a T4, 4 for an A100 that does as much as four.
   * Where replicas share the traffic (`rolling`, `inPlace`) each gets its part by weight, and `maxUnavailablePercent` is
   * one of capacity; a new version of an autoscaled pool, and a kept one that is brought back, get as many replicas as
   * carry the same. The other strategies give each version its share of its own full size, and count VMs, at any weight.
   * Default: 1. Change: light, nothing moves; together with a new template it is staged with it.
   */
  capacityWeight?: pulumi.Input<number>;
  /** Longest time that running requests get when their replica ends, in seconds. Default: 60. Change: light. */
  drainSeconds?: pulumi.Input<number>;
  /** A replica counts as ready when its probes have succeeded for this long, in seconds. Default: 0. Change: light. */
  minReadySeconds?: pulumi.Input<number>;
  /** Estimate of the time from launch to ready, in seconds; only the plan's duration uses it. Default: 60. Change: none. */
  bootSeconds?: pulumi.Input<number>;
  /** How long operations may wait. Default: 30 minutes for create and update, 15 for delete. Change: no effect on what runs. */
  timeouts?: Timeouts;
}

/**
 * Bounds for the number of replicas, and what moves it between them. Of several signals the one that asks for the most
 * wins. More or fewer replicas come when a signal has asked for them without a break for the whole delay. Durations are
 * numbers of seconds, or texts such as "90s" and "10m". Change of any of it: light, at once.
 *
 * @example
 * capacity: { min: 2, max: 10, targetQpsPerReplica: 5, schedules: [{ cron: "0 8 * * MON-FRI", timeZone: "Europe/Berlin", durationSeconds: "10h", min: 4 }] }
 */
export interface CapacityArgs {
  /**
   * Fewest replicas. 0: after `downscaleDelaySeconds` without a request the last one ends; the next request wakes the
   * pool and waits for it. Default: 1.
   */
  min?: pulumi.Input<number>;
  /** Most replicas. Default: `min`; must be given beside a signal. */
  max?: pulumi.Input<number>;
  /** Replicas of the first revision before there is load to go by; a rolled-out revision gets no fewer while it is rolled out. Default: `min`, at least 1. */
  initial?: pulumi.Input<number>;
  /** Requests a second that one replica is to get: one number, or one for each accelerator of `template.resources`, counted then by the machines that really run. Default: none. */
  targetQpsPerReplica?: pulumi.Input<number> | Record<string, pulumi.Input<number>>;
  /** Requests in flight and waiting that one replica is to have, on average over the window. Default: none. */
  targetInFlightPerReplica?: pulumi.Input<number>;
  /** 95th percentile of the latency, in milliseconds: above it there are more replicas, well below it fewer. Default: none. */
  targetLatencyP95Ms?: pulumi.Input<number>;
  /** The same of the time to the first byte, which a stream has long before it ends. Default: none. */
  targetTimeToFirstByteP95Ms?: pulumi.Input<number>;
  /** How long more replicas are asked for before they come; a pool without any gets one at once. Default: 300. */
  upscaleDelaySeconds?: pulumi.Input<number | string>;
  /** How long fewer replicas are enough before some go. Default: 1200. */
  downscaleDelaySeconds?: pulumi.Input<number | string>;
  /** What rates, averages and percentiles are taken over. Default: 60. */
  windowSeconds?: pulumi.Input<number | string>;
  /** Most replicas that are added at once, in percent of those there are; the next ones take another delay. Default: no limit. */
  maxStepUpPercent?: pulumi.Input<number>;
  /** Most replicas that go at once; the next ones take another delay. Default: no limit. */
  maxStepDown?: pulumi.Input<number>;
  /** Times with a higher `min`. Default: none. */
  schedules?: ScheduleArgs[];
  /** Asks for spot VMs, `{}` for all defaults. Default: none, every replica is on-demand. Change: light, replica by replica. */
  spot?: SpotArgs;
}

export interface ScheduleArgs {
  /** When it begins: minute, hour, day, month, weekday, such as "0 8 * * MON-FRI". */
  cron: pulumi.Input<string>;
  /** Whose clocks count, such as "Europe/Berlin". Default: "UTC". */
  timeZone?: pulumi.Input<string>;
  /** For how long, at most a day. */
  durationSeconds: pulumi.Input<number | string>;
  /** Fewest replicas in that time, from its beginning on. */
  min: pulumi.Input<number>;
}

type Accelerators = Record<string, pulumi.Input<number>>;

export interface TemplateArgs {
  /** Shell command that prepares the machine once, before `run`. Default: none. Change: restart. */
  setup?: pulumi.Input<string>;
  /** Shell command that starts the server, which listens on the port in the variable PORT. Change: restart. */
  run: pulumi.Input<string>;
  /**
   * Folder whose files each replica gets a copy of, and starts in; relative to the program's folder. Rules of .gitignore
   * files in it hold. Default: an empty folder. Change of content: restart.
   */
  workdir?: pulumi.Input<string>;
  /** Environment of `setup` and `run`; values may be secrets, which stay out of the state in clear. Change: restart. */
  env?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Port that the server listens on where a replica has a machine of its own. Default: 8000. Change: restart. */
  port?: pulumi.Input<number>;
  /** What one replica needs of a machine. Default: no demands. Change: replace, on new machines. */
  resources?: {
    cpus?: pulumi.Input<number>;
    memoryGiB?: pulumi.Input<number>;
    /**
     * Number by kind, for example `{ A10G: 1 }`; or a list of these, any of which will do: each replica then gets what its
     * zone has, the cheapest of what is equally well spread. What no zone of any target has is refused in preview.
     */
    accelerators?: pulumi.Input<Accelerators> | pulumi.Input<pulumi.Input<Accelerators>[]>;
  };
  /** Any text; another one makes a new revision of the same content. Default: none. Change: restart. */
  restartToken?: pulumi.Input<string>;
}

/**
 * A pool on the spot market. Spot replicas that the cloud takes back are replaced at its notice; what spot does not give,
 * on-demand stands in for. During a rollout canaries, and primaries that are replaced, are on-demand where the pool may
 * have any, so that a loss of spot does not decide it; within the rollout's limit every VM counts.
 */
export interface SpotArgs {
  /** On-demand replicas that always run, part of the pool's number. Default: 0. Change: light. */
  baseOnDemandReplicas?: pulumi.Input<number>;
  /**
   * On-demand replicas stand in for spot replicas that are not ready, and go when spot is back. False: what spot does not
   * give is missing. Default: true. Change: light.
   */
  dynamicOnDemandFallback?: pulumi.Input<boolean>;
  /** Spot replicas above the pool's number, which cover a loss until its replacement is ready. Default: 0. Change: light. */
  numOverprovision?: pulumi.Input<number>;
  /**
   * How long a missing spot replica is waited for while its replacement starts or can be asked for, before on-demand
   * stands in, in seconds. "auto": half as long again as spot usually takes to become ready. 0: on-demand starts beside
   * every replacement. What no zone can be asked for never waits. Default: "auto". Change: light.
   */
  graceSeconds?: pulumi.Input<number | "auto">;
  /**
   * How long a zone that took or refused replicas is not relied on, in seconds: on-demand stays until a replica has been
   * ready there for so long, what a loss left over is replaced in advance, and where one was taken alone there is a spare
   * replica until half of that is forgotten (two hours).
   * Longer: fewer gaps, more on-demand. 0: no caution. Default: 600. Change: light.
   */
  cautionSeconds?: pulumi.Input<number>;
  /** An on-demand replica that stands in is kept at least so long, in seconds. Default: 0. Change: light. */
  minFallbackSeconds?: pulumi.Input<number>;
  /** Most replicas that stand in at once, by number or by what they cost together. Default: no limit. Change: light. */
  fallbackBudget?: { replicas: pulumi.Input<number> } | { dollarsPerHour: pulumi.Input<number> };
  /**
   * On-demand stands in from the very first start, which doubles the VMs until spot is ready (SkyServe's way). Default:
   * false, on-demand comes for what spot refuses only. Change: light.
   */
  fallbackAtStart?: pulumi.Input<boolean>;
}

export interface ReadinessArgs {
  /** Path that answers 200 to 299 when the replica can serve. Default: "/". */
  path?: pulumi.Input<string>;
  /** A replica that is not ready this long after its launch has failed, in seconds. Default: 600. */
  startupGraceSeconds?: pulumi.Input<number>;
  /**
   * Time between two probes, in seconds. The balancer's own checks of a replica that is well come at every fifth of them,
   * and at least every 10 s, while the agent looks on; at each one when it does not. Default: 2.
   */
  intervalSeconds?: pulumi.Input<number>;
  /** A probe without an answer fails after this, in seconds. Default: 2. */
  timeoutSeconds?: pulumi.Input<number>;
  /** Successes in a row that make a replica ready. Default: 1. */
  successThreshold?: pulumi.Input<number>;
  /** Failures in a row that take it out of the traffic. Default: 3. */
  failureThreshold?: pulumi.Input<number>;
  /** Headers of the probe; values may be secrets. Default: none. */
  headers?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Body of the probe, which makes it a POST; may be a secret. Default: none, a GET. */
  body?: pulumi.Input<string>;
}

/**
 * A replica answers 200 to 299 when it has taken the config, and 400 to 499 (but 408, 425 and 429) when it refuses it: the
 * first words of that answer are shown, without the config's values. Whatever else happens, it is asked again. One that
 * refuses at its start has failed.
 */
export interface ReconfigureArgs {
  /** Path that takes the config as a JSON body. Default: "/reconfigure". */
  path?: pulumi.Input<string>;
  /** Default: "POST". */
  method?: pulumi.Input<"POST" | "PUT">;
  /** Longest wait for one answer, in seconds, before it is asked again. Default: 10. */
  timeoutSeconds?: pulumi.Input<number>;
  /**
   * What a serving replica that refuses comes to. "report": it goes on with what it had, and `up` fails with its answer.
   * "replace": another one takes its place, one at a time and never the last healthy one. Default: "report".
   */
  onRefusal?: pulumi.Input<"report" | "replace">;
}

/** What a Rollout knows of a pool: hashes and numbers, never a secret. */
export interface PoolFacts {
  name: string;
  revision: string;
  /** The fixed number, or the initial one. */
  replicas: number;
  specHash: string;
}

/**
 * Replicas of one kind behind one route. The first revision comes up at once; a later one is staged, and a Rollout moves
 * the service to it.
 *
 * @example
 * const pool = new serve.ReplicaPool("chat-gpu", {
 *   service,
 *   template: { run: "python3 server.py", workdir: "./app" },
 *   readiness: { path: "/health" },
 *   replicas: 4,
 * });
 */
export class ReplicaPool extends ServeResource {
  /** @internal */
  static readonly __pulumiType = typeToken("ReplicaPool");

  static override isInstance(value: unknown): value is ReplicaPool {
    return hasType(value, ReplicaPool.__pulumiType);
  }

  /** Hash of what was declared; it serves once a Rollout has moved to it (the first one: at once). */
  declare readonly declaredRevision: pulumi.Output<string>;
  declare readonly facts: pulumi.Output<PoolFacts>;
  /** Revision that serves; null before the pool has served. */
  declare readonly servingRevision: pulumi.Output<string | null>;
  /** Ready replicas of all revisions when last looked at. */
  declare readonly readyReplicas: pulumi.Output<number>;
  /** Replicas that it was to have when last looked at: the fixed number, or what the load asked for. */
  declare readonly targetReplicas: pulumi.Output<number>;
  /** In a word: "serving", "staged", "rolling", "starting" or "failing". */
  declare readonly status: pulumi.Output<string>;

  /** The service that it was made with, for the Rollout that checks that all pools are of one. */
  private readonly owner: ServeService;

  constructor(name: string, args: ReplicaPoolArgs, opts: pulumi.CustomResourceOptions = {}) {
    const route = args.route ?? "/";
    args.service.claimPool(name, route);
    const outputs = ["declaredRevision", "facts", "servingRevision", "readyReplicas", "targetReplicas", "status"];
    super("ReplicaPool", name, { ...args, route, service: args.service.serviceId }, outputs, opts);
    this.owner = args.service;
  }

  /** @internal */
  belongsTo(service: ServeService): boolean {
    return this.owner === service;
  }
}
