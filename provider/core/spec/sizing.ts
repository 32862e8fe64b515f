import type { ScalingSpec } from "../scale/spec";
import { capacityAsks } from "./capacity-input";
import { secondsOf } from "./duration";
import type { PoolInput } from "./pool-input";
import type { PoolSpec, Resources } from "./pool";
import { alternatives, shapeOf } from "./shape";

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
    ...targetQps(targetQpsPerReplica, template.resources),
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

/** A machine with several kinds of accelerators is as fast as its slowest, and a pool of several machines plans by its slowest. */
function targetQps(
  target: number | Record<string, number> | null,
  { accelerators }: Resources,
): Pick<ScalingSpec, "targetQpsPerReplica" | "targetQpsByShape"> {
  if (target === null || typeof target === "number") return { targetQpsPerReplica: target };
  const machines = alternatives(accelerators).map((machine) => machine ?? {});
  const slowest = machines.map((machine) => Math.min(...Object.keys(machine).map((kind) => target[kind]!)));
  const targetQpsPerReplica = Math.min(...slowest);
  if (machines.length === 1) return { targetQpsPerReplica };
  const byShape = machines.map((machine, index) => [shapeOf(machine) ?? "", slowest[index]!] as const);
  return { targetQpsPerReplica, targetQpsByShape: Object.fromEntries(byShape) };
}
