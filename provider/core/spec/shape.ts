import type { Accelerators, Machine, Resources } from "./pool";

/** A machine by its accelerators, such as "A10G:1" or "A10G:1+T4:2"; null: it has none. */
export type Shape = string | null;

export function shapeOf(accelerators: Accelerators | undefined): Shape {
  const parts = Object.entries(accelerators ?? {}).map(([name, count]) => `${name}:${count}`);
  return parts.length === 0 ? null : parts.sort().join("+");
}

/** Those that a replica may have; one at least. */
export function shapesOf({ accelerators }: Resources): Shape[] {
  return alternatives(accelerators).map(shapeOf);
}

/** True: which one a replica has is chosen for each. */
export function hasSeveralShapes({ accelerators }: Resources): boolean {
  return alternatives(accelerators).length > 1;
}

/** The machine of a replica that was given this shape; absent: there is only one. */
export function machineOf({ accelerators, ...resources }: Resources, shape: string | undefined): Machine {
  const all = alternatives(accelerators);
  const given = all.find((one) => shapeOf(one) === shape) ?? all[0];
  return given === undefined ? resources : { ...resources, accelerators: given };
}

/** One at least; undefined: none is needed. */
export function alternatives(accelerators: Resources["accelerators"]): (Accelerators | undefined)[] {
  return Array.isArray(accelerators) ? accelerators : [accelerators];
}
