import type { ScalingSpec } from "../scale/spec";
import { digest } from "../digest";
import type { SpotSpec } from "../spot/spec";
import type { PoolSpec, Revision, RevisionParts } from "./pool";
import { shapesOf } from "./shape";

/**
 * What a Rollout knows about a pool: enough to classify its change and to plan it, and nothing that might be secret.
 * It travels as a computed input from ReplicaPool to Rollout, so that preview knows it.
 */
export interface PoolFacts {
  name: string;
  revision: Revision;
  /** The program's own name of the revision; null: the revision is the content's hash. */
  version: string | null;
  parts: RevisionParts;
  specHash: string;
  route: string;
  /** Of an autoscaled pool that is declared, its initial number; of one that serves, what it has. */
  replicas: number;
  /** How much one replica carries; absent: 1. */
  capacityWeight?: number;
  /** Null: a fixed number. */
  scaling: ScalingSpec | null;
  /** Hash of the whole readiness, so that its change is seen and its headers are not. */
  readiness: string;
  /** Hash of the userConfig; null: none. */
  userConfig: string | null;
  /** Hash of how it is sent and of what a refusal leads to. */
  reconfigure: string | null;
  drainSeconds: number;
  minReadySeconds: number;
  bootSeconds: number;
  /** Hash of how it uses the spot market; null: it does not. */
  spot: string | null;
  /**
   * What its steady state takes of both markets; absent: all is on-demand. `spotOnly`: beside the base it never has
   * on-demand, in a rollout neither.
   */
  markets?: { base: number; spare: number; spotOnly?: true };
  /** Machines that a replica may have, by their accelerators; absent: it needs none. */
  shapes?: string[];
}

export function factsOf(spec: PoolSpec): PoolFacts {
  const { name, revision, version, parts, specHash, route, replicas, capacityWeight, scaling } = spec;
  const { drainSeconds, minReadySeconds, bootSeconds } = spec;
  return {
    name,
    revision,
    version,
    parts,
    specHash,
    route,
    replicas,
    ...(capacityWeight !== undefined && { capacityWeight }),
    scaling,
    readiness: digest(spec.readiness),
    ...configFacts(spec),
    drainSeconds,
    minReadySeconds,
    bootSeconds,
    // Absent in what a state of before declares.
    spot: spec.spot ? digest(spec.spot) : null,
    ...(spec.spot && { markets: marketFacts(spec.spot) }),
    ...shapeFacts(spec),
  };
}

function shapeFacts({ launch }: PoolSpec): Pick<PoolFacts, "shapes"> {
  const shapes = shapesOf(launch.resources).filter((shape) => shape !== null);
  return shapes.length === 0 ? {} : { shapes };
}

function marketFacts({
  baseOnDemandReplicas: base,
  numOverprovision: spare,
  dynamicOnDemandFallback,
}: SpotSpec): PoolFacts["markets"] {
  return { base, spare, ...(dynamicOnDemandFallback ? {} : { spotOnly: true }) };
}

function configFacts({ userConfig }: PoolSpec): Pick<PoolFacts, "userConfig" | "reconfigure"> {
  if (userConfig === null) return { userConfig: null, reconfigure: null };
  const { hash, path, method, timeoutSeconds, onRefusal } = userConfig;
  return { userConfig: hash, reconfigure: digest([path, method, timeoutSeconds, onRefusal]) };
}
