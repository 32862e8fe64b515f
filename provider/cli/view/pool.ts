import type { ScaleState } from "../../core/scale/state";
import type { State } from "../../core/state";

/** How many replicas a pool is to have, and by what it moves. */
export interface PoolView {
  name: string;
  readyReplicas: number;
  /** What it is to have now. */
  targetReplicas: number;
  /** Null: a fixed number. */
  scaling: {
    min: number;
    max: number;
    last: { from: number; to: number; reason: string; secondsAgo: number } | null;
  } | null;
  /** What one replica of each version carries; canary null: there is none. */
  capacityWeights: { primary: number; canary: number | null };
}

export function poolViews({ pools, replicas }: State, now: number): PoolView[] {
  return Object.entries(pools).flatMap(([name, { primary, canary, scale }]) => {
    if (primary === null) return [];
    const ready = Object.values(replicas).filter(({ pool, status }) => pool === name && status === "ready");
    const { scaling } = primary;
    const last = scale?.last ?? null;
    return [
      {
        name,
        readyReplicas: ready.length,
        targetReplicas: primary.replicas,
        scaling: scaling ? { min: scaling.min, max: scaling.max, last: last && lastChange(last, now) } : null,
        capacityWeights: { primary: primary.capacityWeight ?? 1, canary: canary && (canary.capacityWeight ?? 1) },
      },
    ];
  });
}

/** None: a fixed number of usual replicas says nothing that the table of replicas does not. */
export function poolLines({ name, targetReplicas, scaling, capacityWeights: { primary, canary } }: PoolView): string[] {
  const lines: string[] = [];
  if (scaling !== null) {
    const { min, max, last } = scaling;
    const why = last === null ? "" : `; last from ${last.from} to ${last.to}: ${last.reason}`;
    lines.push(`Pool ${name}: autoscaled ${min}..${max}, ${targetReplicas} now${why}`);
  }
  if (primary !== 1 || (canary ?? 1) !== 1) {
    const ofCanary = canary === null || canary === primary ? "" : `, one of the canary as ${canary}`;
    lines.push(`Pool ${name}: a replica counts as ${primary} (capacityWeight)${ofCanary}`);
  }
  return lines;
}

function lastChange({ at, ...change }: NonNullable<ScaleState["last"]>, now: number) {
  return { ...change, secondsAgo: Math.max(0, Math.floor((now - at) / 1000)) };
}
