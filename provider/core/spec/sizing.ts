import type { ScalingSpec } from "../scale/spec";
import { capacityAsks } from "./capacity-input";
import { secondsOf } from "./duration";
import type { PoolInput } from "./pool-input";
import type { PoolSpec } from "./pool";

/** A fixed number, or bounds and what moves the number between them. */
export function sizing({ replicas, capacity, template }: PoolInput): Pick<PoolSpec, "replicas" | "scaling"> {
  if (!capacityAsks(capacity)) return { replicas: replicas ?? 1, scaling: null };
  const { min = 1, targetQpsPerReplica = null, schedules = [] } = capacity;
  const max = capacity.max ?? min;
  const initial = capacity.initial ?? Math.max(1, min);
  const scaling: ScalingSpec = {
    min,
    max,
    initial,
    targetQpsPerReplica: ofShape(targetQpsPerReplica, Object.keys(template.resources.accelerators ?? {})),
    targetInFlightPerReplica: capacity.targetInFlightPerReplica ?? null,
    targetLatencyP95Ms: capacity.targetLatencyP95Ms ?? null,
    targetTimeToFirstByteP95Ms: capacity.targetTimeToFirstByteP95Ms ?? null,
    upscaleDelaySeconds: secondsOf(capacity.upscaleDelaySeconds),
    downscaleDelaySeconds: secondsOf(capacity.downscaleDelaySeconds),
    windowSeconds: secondsOf(capacity.windowSeconds),
    maxStepUpPercent: capacity.maxStepUpPercent ?? null,
    maxStepDown: capacity.maxStepDown ?? null,
    schedules: schedules.map((each) => ({ ...each, durationSeconds: secondsOf(each.durationSeconds) })),
  };
  return { replicas: initial, scaling };
}

/** A machine with several kinds of accelerators is as fast as its slowest. */
function ofShape(target: number | Record<string, number> | null, shapes: readonly string[]): number | null {
  if (target === null || typeof target === "number") return target;
  return Math.min(...shapes.map((shape) => target[shape]!));
}
