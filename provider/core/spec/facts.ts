import { digest } from "../digest";
import type { PoolSpec, Revision, RevisionParts } from "./pool";

/**
 * What a Rollout knows about a pool: enough to classify its change and to plan it, and nothing that might be secret.
 * It travels as a computed input from ReplicaPool to Rollout, so that preview knows it.
 */
export interface PoolFacts {
  name: string;
  revision: Revision;
  parts: RevisionParts;
  specHash: string;
  route: string;
  replicas: number;
  /** Hash of the whole readiness, so that its change is seen and its headers are not. */
  readiness: string;
  drainSeconds: number;
  minReadySeconds: number;
  bootSeconds: number;
}

export function factsOf(spec: PoolSpec): PoolFacts {
  const { name, revision, parts, specHash, route, replicas, drainSeconds, minReadySeconds, bootSeconds } = spec;
  const readiness = digest(spec.readiness);
  return { name, revision, parts, specHash, route, replicas, readiness, drainSeconds, minReadySeconds, bootSeconds };
}
