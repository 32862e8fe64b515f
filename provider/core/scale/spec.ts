/** How many replicas a pool has, and by what: complete, every default filled in. Durations in seconds. */
export interface ScalingSpec {
  /** 0: with nothing to do the pool has no replica, and the first request wakes it. */
  min: number;
  max: number;
  /** Of the first revision before there is any load to go by, and the fewest that a rolled-out one gets. At least 1. */
  initial: number;
  /** Requests a second that one replica is to get; of several machines that the template takes, the one that gets the fewest. */
  targetQpsPerReplica: number | null;
  /** The same by shape, where the template takes several machines that get different numbers; absent: it does not. */
  targetQpsByShape?: Record<string, number>;
  /** Requests in flight and queued that one replica is to have. */
  targetInFlightPerReplica: number | null;
  targetLatencyP95Ms: number | null;
  targetTimeToFirstByteP95Ms: number | null;
  /** How long more are needed without a break before there are more; a pool without replicas gets them at once. */
  upscaleDelaySeconds: number;
  downscaleDelaySeconds: number;
  /** What rates and percentiles are taken over. */
  windowSeconds: number;
  /** Most that are added at once, in percent of what is there; null: as many as are needed. */
  maxStepUpPercent: number | null;
  /** Most that go at once; null: as many as are not needed. */
  maxStepDown: number | null;
  schedules: Schedule[];
}

/** From each minute that `cron` names, in the time of `timeZone`: so long, there are at least `min` replicas. */
export interface Schedule {
  cron: string;
  timeZone: string;
  durationSeconds: number;
  min: number;
}

/** Within the bounds. */
export function bounded(replicas: number, { min, max }: Pick<ScalingSpec, "min" | "max">): number {
  return Math.min(max, Math.max(min, replicas));
}

/** Rounded up, but not for what only the float made of a whole number. */
export function wholeReplicas(replicas: number): number {
  return Math.ceil(replicas - 1e-9);
}
