import type { Draft } from "../draft";
import type { PoolSpec } from "../spec/pool";
import { bounded, wholeReplicas, type ScalingSpec } from "./spec";

/** A rollout begins from something that serves: it is what the new version is compared with, and what it goes back to. */
export function wakeForRollout(draft: Draft, name: string): void {
  const primary = draft.pool(name).primary!;
  if (primary.replicas > 0 || !primary.scaling) return;
  const reason = "a rollout begins, and nobody is there.";
  draft.patchPool(name, { primary: { ...primary, replicas: 1 } });
  draft.say({ kind: "scaled", pool: name, side: "primary", from: 0, to: 1, reason });
}

/**
 * What load may make of the version that a rollout brings, for as long as the rollout lasts. Preview tells these bounds
 * and the autoscaler keeps them; at P % of the way the version has P % of such a number, rounded up.
 */
export function canaryBounds({ min, initial, max }: Bounds): Pick<Bounds, "min" | "max"> {
  return { min: Math.max(min, initial), max };
}

/** The new version with as many replicas as carry what the old one's do; a fixed number stays as it is. */
export function sizedLike(serving: Sized, next: PoolSpec): PoolSpec {
  return { ...next, replicas: sizeLike(serving, next) };
}

type Bounds = Pick<ScalingSpec, "min" | "initial" | "max">;

type Sized = Pick<PoolSpec, "replicas" | "scaling" | "capacityWeight">;

/** By what each declares that a replica is to get; where one of them does not, by what each declares that it carries. */
export function sizeLike(serving: Sized, next: Sized): number {
  const { replicas, scaling } = next;
  if (!scaling) return replicas;
  const [was, is] = [serving.scaling?.targetQpsPerReplica ?? null, scaling.targetQpsPerReplica];
  const carrying =
    was === null || is === null ? sameCapacity(serving, next).replicas : wholeReplicas((serving.replicas * was) / is);
  return bounded(carrying, canaryBounds(scaling));
}

/** The size of what serves, bounds and all, in replicas that carry as much as those of `next` do. */
export function sameCapacity(serving: Sized, next: Sized): Pick<PoolSpec, "replicas" | "scaling"> {
  const { replicas, scaling, capacityWeight: was = 1 } = serving;
  const { capacityWeight: is = 1 } = next;
  if (was === is) return { replicas, scaling };
  const count = (replicas: number) => wholeReplicas((replicas * was) / is);
  const each = (target: number | null) => target && (target * is) / was;
  return {
    replicas: count(replicas),
    scaling: scaling && {
      ...scaling,
      min: count(scaling.min),
      max: count(scaling.max),
      initial: count(scaling.initial),
      targetQpsPerReplica: each(scaling.targetQpsPerReplica),
      ...(scaling.targetQpsByShape !== undefined && {
        targetQpsByShape: Object.fromEntries(
          Object.entries(scaling.targetQpsByShape).map(([shape, target]) => [shape, (target * is) / was]),
        ),
      }),
      targetInFlightPerReplica: each(scaling.targetInFlightPerReplica),
      maxStepDown: scaling.maxStepDown && count(scaling.maxStepDown),
      schedules: scaling.schedules.map((schedule) => ({ ...schedule, min: count(schedule.min) })),
    },
  };
}
