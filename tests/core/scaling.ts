import type { ScalingSpec } from "../../provider/core/scale/spec";

/** Two requests a second a replica, with SkyServe's delays. */
export function scaling(more: Partial<ScalingSpec> = {}): ScalingSpec {
  return {
    min: 1,
    max: 10,
    initial: 1,
    targetQpsPerReplica: 2,
    targetInFlightPerReplica: null,
    targetLatencyP95Ms: null,
    targetTimeToFirstByteP95Ms: null,
    upscaleDelaySeconds: 300,
    downscaleDelaySeconds: 1200,
    windowSeconds: 60,
    maxStepUpPercent: null,
    maxStepDown: null,
    schedules: [],
    ...more,
  };
}
