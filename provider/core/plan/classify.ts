import type { RevisionParts } from "../spec/pool";
import type { PoolFacts } from "../spec/facts";

/**
 * What a new declaration of a pool means for its replicas.
 * - `light`: no replica is touched; it takes effect at once.
 * - `restart`: a new revision whose replicas could run on the same machines.
 * - `replace`: a new revision that needs other machines.
 * A new revision is staged for the Rollout, and the light fields that changed with it are staged too.
 */
export type PoolChange =
  | { kind: "none" }
  | { kind: "first" }
  | { kind: "light"; fields: LightField[] }
  | { kind: "restart" | "replace"; parts: (keyof RevisionParts)[]; stagedFields: LightField[] };

const LIGHT = ["replicas", "route", "readiness", "drainSeconds", "minReadySeconds", "bootSeconds"] as const;
type LightField = (typeof LIGHT)[number];
const NEEDS_OTHER_MACHINES: ReadonlySet<keyof RevisionParts> = new Set(["resources"] as const);

export function classify(from: PoolFacts | null, to: PoolFacts): PoolChange {
  if (from === null) return { kind: "first" };
  const fields = LIGHT.filter((name) => from[name] !== to[name]);
  if (from.revision === to.revision) return fields.length === 0 ? { kind: "none" } : { kind: "light", fields };
  const names = Object.keys(to.parts) as (keyof RevisionParts)[];
  const parts = names.filter((name) => from.parts[name] !== to.parts[name]);
  const kind = parts.some((name) => NEEDS_OTHER_MACHINES.has(name)) ? "replace" : "restart";
  return { kind, parts, stagedFields: fields };
}

/** The change as a line of the plan; null when there is nothing to say. */
export function changeLine(from: PoolFacts | null, to: PoolFacts): string | null {
  const change = classify(from, to);
  switch (change.kind) {
    case "none":
      return null;
    case "first":
      return `${to.name}: first revision ${to.revision}, ${count(to.replicas, "replica")}`;
    case "light":
      return `${to.name}: light (${fieldList(change.fields, from!, to)}): at once, no replica restarts`;
    case "restart":
    case "replace": {
      const staged =
        change.stagedFields.length === 0 ? "" : `; staged with it: ${fieldList(change.stagedFields, from!, to)}`;
      const how = change.kind === "restart" ? "every replica restarts" : "every replica moves to a new machine";
      return `${to.name}: ${change.kind} (${change.parts.join(", ")}): ${how}${staged}`;
    }
  }
}

/** Readiness is named only: its facts are a hash, as it may hold secrets. */
function fieldList(fields: LightField[], from: PoolFacts, to: PoolFacts): string {
  return fields.map((name) => (name === "readiness" ? name : `${name} ${from[name]} -> ${to[name]}`)).join(", ");
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
