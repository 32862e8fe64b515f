import { sameJson } from "../digest";
import type { RevisionParts } from "../spec/pool";
import type { PoolFacts } from "../spec/facts";

/**
 * What a new declaration of a pool means for its replicas.
 * - `light`: no replica is touched; it takes effect at once.
 * - `reconfigure`: another userConfig, which every running replica is sent; none restarts. Light fields change with it.
 * - `restart`: a new revision whose replicas could run on the same machines.
 * - `replace`: a new revision that needs other machines.
 * A new revision is staged for the Rollout, and the light fields that changed with it are staged too.
 */
export type PoolChange =
  | { kind: "none" }
  | { kind: "first" }
  | { kind: "light" | "reconfigure"; fields: LightField[] }
  | { kind: "restart" | "replace"; parts: (keyof RevisionParts)[]; stagedFields: LightField[] };

const LIGHT = [
  "replicas",
  "scaling",
  "capacityWeight",
  "route",
  "readiness",
  "userConfig",
  "reconfigure",
  "drainSeconds",
  "minReadySeconds",
  "bootSeconds",
  "spot",
] as const;
type LightField = (typeof LIGHT)[number];
/** Their facts are hashes: they are named only. */
const HASHED: ReadonlySet<LightField> = new Set(["readiness", "userConfig", "reconfigure", "spot"] as const);
const NEEDS_OTHER_MACHINES: ReadonlySet<keyof RevisionParts> = new Set(["resources"] as const);

export function classify(from: PoolFacts | null, to: PoolFacts): PoolChange {
  if (from === null) return { kind: "first" };
  const fields = lightFields(from, to);
  if (from.revision === to.revision) {
    if (fields.length === 0) return { kind: "none" };
    return { kind: fields.includes("userConfig") && to.userConfig !== null ? "reconfigure" : "light", fields };
  }
  const parts = changedParts(from, to);
  const kind = parts.some((name) => NEEDS_OTHER_MACHINES.has(name)) ? "replace" : "restart";
  return { kind, parts, stagedFields: fields };
}

/** How a config is sent says nothing of its own where there is none on one side. */
function lightFields(from: PoolFacts, to: PoolFacts): LightField[] {
  const pushes = from.userConfig !== null && to.userConfig !== null;
  return LIGHT.filter((name) => {
    switch (name) {
      case "reconfigure":
        return pushes && from[name] !== to[name];
      // What an autoscaled pool has is its load's doing.
      case "replicas":
        return !from.scaling && !to.scaling && from[name] !== to[name];
      case "scaling":
        return !sameJson(from[name] ?? null, to[name] ?? null);
      case "capacityWeight":
        return (from[name] ?? 1) !== (to[name] ?? 1);
      default:
        return (from[name] ?? null) !== (to[name] ?? null);
    }
  });
}

export function changedParts(from: PoolFacts, to: PoolFacts): (keyof RevisionParts)[] {
  const names = Object.keys(to.parts) as (keyof RevisionParts)[];
  return names.filter((name) => from.parts[name] !== to.parts[name]);
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
    case "reconfigure":
      return `${to.name}: reconfigure (${fieldList(change.fields, from!, to)}): pushed to every running replica, no restart`;
    case "restart":
    case "replace": {
      const staged =
        change.stagedFields.length === 0 ? "" : `; staged with it: ${fieldList(change.stagedFields, from!, to)}`;
      const how = change.kind === "restart" ? "every replica restarts" : "every replica moves to a new machine";
      const what = from!.version === to.version ? change.parts : ["version", ...change.parts];
      return `${to.name}: ${change.kind} (${what.join(", ")}): ${how}${staged}`;
    }
  }
}

function fieldList(fields: LightField[], from: PoolFacts, to: PoolFacts): string {
  return fields
    .map((name) => {
      if (name === "userConfig" && to.userConfig === null) return "userConfig removed, running replicas keep theirs";
      if (name === "scaling") return `capacity ${capacityWords(from)} -> ${capacityWords(to)}`;
      if (name === "capacityWeight") return `${name} ${from[name] ?? 1} -> ${to[name] ?? 1}`;
      return HASHED.has(name) ? name : `${name} ${from[name]} -> ${to[name]}`;
    })
    .join(", ");
}

/** "4", or the bounds: "2..10". */
export function capacityWords({ replicas, scaling }: Pick<PoolFacts, "replicas" | "scaling">): string {
  return scaling ? `${scaling.min}..${scaling.max}` : String(replicas);
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
