import type * as pulumi from "@pulumi/pulumi";

/** Where a service runs: its balancer, its agent and replicas. */
export type Target = LocalTarget;

/** Where replicas may be placed besides. */
export type AdditionalTarget = NamedTarget<LocalTarget>;

type NamedTarget<Kind> = Kind & { name: pulumi.Input<string> };

export interface LocalTarget {
  kind: "local";
  cloudFile?: pulumi.Input<string>;
  markets?: pulumi.Input<pulumi.Input<"spot" | "onDemand">[]>;
}

export interface LocalTargetArgs {
  /**
   * The JSON file that plays the cloud: zones, capacity, boot delay, launch errors, notices; it may change at any time,
   * also by `pulumi-serve local ...`. A relative path starts at the program's folder. Default: a file of its own for each
   * target of a service, beside its store. Change: takes effect live, no restart.
   */
  cloudFile?: pulumi.Input<string>;
  /**
   * Which of its markets are used, of those that it offers. `["onDemand"]` keeps a target for what is to be on demand: the
   * base, and what stands in for spot; `["spot"]` is the other way round. One target at least must have on-demand. Default:
   * all. Change: light, for launches from then on.
   */
  markets?: pulumi.Input<pulumi.Input<"spot" | "onDemand">[]>;
}

/**
 * Replicas are processes on this computer, with zones, capacity and launch errors scripted in one file: the whole
 * product without an account.
 *
 * @example new serve.ServeService("chat", { target: serve.local(), endpoint: { port: 8080 } })
 */
export function local(args?: LocalTargetArgs): LocalTarget;
/**
 * The same as one of `additionalTargets`. Its name, at most 31 lower-case letters, digits and dashes, is what its zones are
 * shown with. Change of the name: it is another target.
 *
 * @example additionalTargets: [serve.local({ name: "cluster", cloudFile: "cluster.json" })]
 */
export function local(args: LocalTargetArgs & { name: pulumi.Input<string> }): AdditionalTarget;
export function local(args: LocalTargetArgs = {}): LocalTarget {
  return { kind: "local", ...args };
}
