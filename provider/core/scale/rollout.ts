import type { Draft } from "../draft";
import type { PoolSpec } from "../spec/pool";
import { bounded } from "./spec";

/** A rollout begins from something that serves: it is what the new version is compared with, and what it goes back to. */
export function wakeForRollout(draft: Draft, name: string): void {
  const primary = draft.pool(name).primary!;
  if (primary.replicas > 0 || !primary.scaling) return;
  const reason = "a rollout begins, and nobody is there.";
  draft.patchPool(name, { primary: { ...primary, replicas: 1 } });
  draft.say({ kind: "scaled", pool: name, side: "primary", from: 0, to: 1, reason });
}

/** The new version with as many replicas as carry what the old one's do; a fixed number stays as it is. */
export function sizedLike(serving: Sized, next: PoolSpec): PoolSpec {
  return { ...next, replicas: sizeLike(serving, next) };
}

type Sized = Pick<PoolSpec, "replicas" | "scaling">;

export function sizeLike(serving: Sized, { replicas, scaling }: Sized): number {
  if (!scaling) return replicas;
  const [was, is] = [serving.scaling?.targetQpsPerReplica ?? null, scaling.targetQpsPerReplica];
  const carrying = was === null || is === null ? serving.replicas : Math.ceil((serving.replicas * was) / is - 1e-9);
  return bounded(Math.max(carrying, scaling.initial), scaling);
}
