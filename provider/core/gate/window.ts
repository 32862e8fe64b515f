import type { ObservedDataPlane, VersionMetrics } from "../observed";
import type { PoolState, RolloutProgress } from "../state";
import type { GateWindow } from "./judge";
import type { GateState } from "./state";

export type Baseline = GateState["baseline"];

/** Who shares the traffic in the state at the cursor. Without requests, waiting for a sample of them would have no end. */
export interface Shares {
  canary: boolean;
  primary: boolean;
}

export function sharesNow({ plan, cursor }: RolloutProgress): Shares {
  const { canary, primary } = plan[cursor]!.weights;
  return { canary: canary > 0, primary: primary > 0 };
}

/**
 * The baseline with what a look at the data plane adds: pools that have none yet get it. A counter that fell tells that
 * the engine started anew; all that it counted since then belongs to the window.
 */
export function rebased(
  before: Baseline,
  rollout: RolloutProgress,
  pools: Record<string, PoolState>,
  plane: ObservedDataPlane,
): Baseline {
  const shares = sharesNow(rollout);
  return Object.fromEntries(
    rollout.pools.map(({ name }) => {
      const known = before[name];
      const now = countsOf(name, pools[name]!, plane);
      if (known === undefined) return [name, now];
      const anew = fell(known.canary, now.canary) || (shares.primary && fell(known.primary, now.primary));
      // A primary without traffic is compared by what it had: nothing that comes could stand in for it.
      return [name, anew ? { canary: null, primary: shares.primary ? null : known.primary } : known];
    }),
  );
}

/** What came since the baseline; of a primary that gets no traffic in this state, all that is known of it. */
export function windowOf(
  name: string,
  rollout: RolloutProgress,
  pool: PoolState,
  baseline: Baseline,
  plane: ObservedDataPlane,
): GateWindow {
  const now = countsOf(name, pool, plane);
  const before = baseline[name]!;
  const isNew = rollout.pools.some((planned) => planned.name === name && planned.from === 0);
  const primary = sharesNow(rollout).primary ? minus(now.primary, before.primary) : minus(before.primary, null);
  return { canary: minus(now.canary, before.canary), primary: isNew ? null : primary };
}

function countsOf(name: string, { canary, primary }: PoolState, { versions }: ObservedDataPlane): Baseline[string] {
  const counted = versions[name] ?? {};
  return {
    canary: canary === null ? null : (counted[canary.revision] ?? null),
    primary: primary === null ? null : (counted[primary.revision] ?? null),
  };
}

function fell(before: VersionMetrics | null, now: VersionMetrics | null): boolean {
  if (before === null) return false;
  if (now === null) return before.requests > 0;
  const fewer = (histogram: "latency" | "timeToFirstByte") =>
    before[histogram].some((counted, bucket) => (now[histogram][bucket] ?? 0) < counted);
  return (
    now.requests < before.requests ||
    now.errors < before.errors ||
    tries(now) < tries(before) ||
    fewer("latency") ||
    fewer("timeToFirstByte")
  );
}

function tries({ failedTries }: VersionMetrics): number {
  return failedTries ?? 0;
}

const NOTHING: VersionMetrics = { requests: 0, errors: 0, latency: [], timeToFirstByte: [] };

function minus(now: VersionMetrics | null, before: VersionMetrics | null): VersionMetrics {
  if (now === null) return NOTHING;
  if (before === null) return now;
  const less = (histogram: "latency" | "timeToFirstByte") =>
    now[histogram].map((counted, bucket) => counted - (before[histogram][bucket] ?? 0));
  return {
    requests: now.requests - before.requests,
    errors: now.errors - before.errors,
    failedTries: tries(now) - tries(before),
    latency: less("latency"),
    timeToFirstByte: less("timeToFirstByte"),
  };
}
