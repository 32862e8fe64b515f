import type * as pulumi from "@pulumi/pulumi";

/**
 * How long one operation may wait before it fails. Nothing is undone then: the agent goes on, and the next `pulumi up`
 * resumes. Numbers are seconds; texts are durations such as "10m". Without it, the resource option `customTimeouts` holds.
 */
export interface Timeouts {
  create?: pulumi.Input<number | string>;
  update?: pulumi.Input<number | string>;
  delete?: pulumi.Input<number | string>;
}
