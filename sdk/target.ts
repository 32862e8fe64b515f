import type * as pulumi from "@pulumi/pulumi";

/** Where replicas run. */
export type Target = LocalTarget;

export interface LocalTarget {
  kind: "local";
  cloudFile?: pulumi.Input<string>;
}

export interface LocalTargetArgs {
  /**
   * The JSON file that plays the cloud: zones, capacity, boot delay, launch errors, notices; it may change at any time,
   * also by `pulumi-serve local ...`. A relative path starts at the program's folder. Default: a file of its own for each
   * service, beside its store. Change: takes effect live, no restart.
   */
  cloudFile?: pulumi.Input<string>;
}

/**
 * Replicas are processes on this computer, with zones, capacity and launch errors scripted in one file: the whole
 * product without an account.
 *
 * @example new serve.ServeService("chat", { target: serve.local(), endpoint: { port: 8080 } })
 */
export function local(args: LocalTargetArgs = {}): LocalTarget {
  return { kind: "local", ...args };
}
