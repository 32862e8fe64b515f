import * as pulumi from "@pulumi/pulumi";

/** By stack: one process may run several programs, one after the other. */
const services = new WeakMap<pulumi.Resource, Set<string>>();

/**
 * Called by each ServeService. Pulumi lets resources under different parents have the same name, but a service is its name:
 * two would be one, with the endpoint of the second, and the end of either would be the end of both.
 */
export function claimServiceName(name: string): void {
  const stack = pulumi.runtime.getStackResource();
  if (stack === undefined) return;
  const names = services.get(stack) ?? new Set();
  services.set(stack, names);
  if (names.has(name)) {
    throw new pulumi.RunError(
      `ServeService "${name}": the stack has a service of this name already, maybe inside a ModelService. Give each its own name: replicas and commands know it by that.`,
    );
  }
  names.add(name);
}
