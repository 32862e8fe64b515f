import * as pulumi from "@pulumi/pulumi";
import { shim } from "./shim";

type TypeName = "ServeService" | "ReplicaPool" | "Rollout";

export function typeToken(type: TypeName): string {
  return `pulumi-nodejs:dynamic/serve:${type}`;
}

/**
 * A dynamic resource whose provider text is ours (see shim.ts). It tells the handlers what Pulumi does not: project,
 * stack, name, URN (for progress lines only) and `customTimeouts`.
 */
export abstract class ServeResource extends pulumi.CustomResource {
  constructor(type: TypeName, name: string, inputs: pulumi.Inputs, outputs: string[], opts: Options) {
    const token = typeToken(type);
    const props: pulumi.Inputs = {
      ...inputs,
      project: pulumi.getProject(),
      stack: pulumi.getStack(),
      name,
      resourceUrn: withoutDependencies(pulumi.createUrn(name, token, opts.parent)),
      timeouts: (inputs["timeouts"] as unknown) ?? opts.customTimeouts,
      __provider: shim(type),
    };
    // An output that is no input is filled in only when its key is there.
    for (const output of outputs) props[output] = undefined;
    const hideDiffs = ["resourceUrn", "planStates", ...(opts.hideDiffs ?? [])];
    super(token, name, props, { ...opts, hideDiffs });
  }
}

/**
 * The URN as plain text. As an output it would depend on the parent, and Pulumi lets what depends on a component wait for
 * all of the component's children: for this very resource.
 */
function withoutDependencies(urn: pulumi.Output<string>): Promise<string> {
  return new Promise((resolve) => urn.apply(resolve));
}

/** `hideDiffs` came with SDK 3.200; an older one ignores it and shows a few lines more in `preview --diff`. */
type Options = pulumi.CustomResourceOptions & { hideDiffs?: string[] };

/** Pulumi's own check would let policies of one class match resources of another. */
export function hasType(value: unknown, token: string): boolean {
  return (value as { __pulumiType?: unknown } | null | undefined)?.__pulumiType === token;
}
