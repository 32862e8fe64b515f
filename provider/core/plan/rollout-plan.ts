import { factsOf, type PoolFacts } from "../spec/facts";
import type { State } from "../state";
import { changeLine, count } from "./classify";
import { describeSteps, peakReplicas, secondsWords } from "./describe";
import { planSurge } from "./surge";
import { unchangedVersion } from "./unchanged-version";
import type { PlannedPool, PlanState } from "./states";

/** What a Rollout shows in preview as its input `plan`. */
export interface RolloutPlan {
  summary: string;
  /** What changes in each pool and how: light, restart or replace. */
  changes: string[];
  /** Each step in words and numbers. */
  steps: string[];
  /** Most VMs of all pools together, against `cap` per pool. */
  peakReplicas: number;
  cap: Record<string, number>;
  /** Boots one after the other, by the pools' `bootSeconds` and `minReadySeconds`; drains end by themselves, often at once. */
  estimatedSeconds: number;
  /** The same with every drain taking its whole `drainSeconds`. */
  longestSeconds: number;
}

/** What the store says about a service, as far as a plan needs it. */
export interface ServiceView {
  /** Pools that have served and take traffic. */
  serving: Record<string, PoolFacts>;
  /** Target of the rollout under way; null: none. */
  inFlight: string | null;
  /** Why targets were rejected, by target key. */
  rejected: Record<string, string>;
}

export interface PlanRequest {
  target: PoolFacts[];
  targetKey: string;
  /** The pools of the last deployment; null at the first. */
  before: PoolFacts[] | null;
  /** Null: the store did not answer, so that the last deployment stands in for what serves. */
  view: ServiceView | null;
  maxSurgePercent: number;
}

export interface Planned {
  plan: RolloutPlan;
  planStates: PlanState[];
}

export function viewOf(state: State): ServiceView {
  const serving = Object.entries(state.pools)
    .filter(([, pool]) => pool.hasServed && pool.takesTraffic && pool.primary !== null)
    .map(([name, pool]) => [name, factsOf(pool.primary!)] as const);
  const rejected = Object.entries(state.rejected).map(([key, { reason }]) => [key, reason] as const);
  return {
    serving: Object.fromEntries(serving),
    inFlight: state.rollout?.targetKey ?? null,
    rejected: Object.fromEntries(rejected),
  };
}

/** Whether the service serves exactly these revisions, so that there is nothing to roll. */
export function serves(target: readonly PoolFacts[], view: ServiceView): boolean {
  return target.every(({ name, revision }) => view.serving[name]?.revision === revision);
}

/**
 * The plan from what serves to what is declared. Preview computes it before the pools' handlers have run and `up`
 * after; both must get the same, so a light change is read off the last deployment and never off what serves.
 */
export function planRollout(request: PlanRequest): Planned {
  const { target, before, view, maxSurgePercent } = request;
  const starts = new Map(target.map((pool) => [pool.name, startOf(pool, before, view)]));
  const changes = target
    .flatMap((pool) => {
      const start = starts.get(pool.name)!;
      return [changeLine(start, pool), start && unchangedVersion(start, pool)];
    })
    .filter((line) => line !== null);
  for (const { name } of before ?? []) {
    if (!starts.has(name)) changes.push(`${name}: leaves the rollout`);
  }
  const isFirst = [...starts.values()].every((start) => start === null);
  const moving = target.filter((pool) => starts.get(pool.name)?.revision !== pool.revision);
  if (isFirst) return still(target, changes, "no steps at first deploy", Math.max(...target.map(secondsToReady)));
  if (moving.length === 0) return still(target, changes, "nothing to roll: no new revision", 0);

  const pools = moving.map(({ name, replicas }): PlannedPool => ({
    name,
    from: starts.get(name)?.replicas ?? 0,
    to: replicas,
  }));
  const { cap, states } = planSurge({ pools, maxSurgePercent });
  const peak = peakReplicas(states);
  const capTotal = Object.values(cap).reduce((sum, one) => sum + one, 0);
  const { estimatedSeconds, longestSeconds } = duration(states, moving);
  const summary = [
    `${count(states.length - 1, "step")}, at most ${peak} of ${capTotal} replicas at once`,
    `about ${secondsWords(estimatedSeconds)}, at most ${secondsWords(longestSeconds)} if every drain takes its whole time`,
    ...remarks(request),
  ].join("; ");
  const steps = describeSteps(states, Object.fromEntries(pools.map(({ name, from, to }) => [name, { from, to }])));
  return {
    plan: { summary, changes, steps, peakReplicas: peak, cap, estimatedSeconds, longestSeconds },
    planStates: states,
  };
}

/** What the pool's change is measured against; null: it has never served. */
function startOf(pool: PoolFacts, before: PoolFacts[] | null, view: ServiceView | null): PoolFacts | null {
  const declared = before?.find(({ name }) => name === pool.name) ?? null;
  if (view === null) return declared;
  const serving = view.serving[pool.name] ?? null;
  // A light change is already in what serves when `up` asks, so only the last declaration still shows it. What runs, on
  // the other hand, is not what was declared last under an explicit version that stayed the same.
  if (declared !== null && serving !== null && declared.revision === serving.revision) {
    return { ...declared, parts: serving.parts };
  }
  return before === null && serving?.revision === pool.revision ? null : serving;
}

function still(target: PoolFacts[], changes: string[], summary: string, seconds: number): Planned {
  const cap = Object.fromEntries(target.map(({ name, replicas }) => [name, replicas]));
  const replicas = target.reduce((sum, pool) => sum + pool.replicas, 0);
  return {
    plan: {
      summary,
      changes,
      steps: [],
      peakReplicas: replicas,
      cap,
      estimatedSeconds: seconds,
      longestSeconds: seconds,
    },
    planStates: [],
  };
}

function remarks({ targetKey, before, view }: PlanRequest): string[] {
  if (view === null) return before === null ? [] : ["planned from the last deployment, as the store did not answer"];
  const remarks: string[] = [];
  const rejected = view.rejected[targetKey];
  if (rejected !== undefined) {
    remarks.push(
      `rejected before, so that nothing will move until the program changes or \`pulumi-serve rollout retry\`: ${rejected}`,
    );
  }
  if (view.inFlight !== null && view.inFlight !== targetKey) {
    remarks.push("another rollout is under way and is taken back first");
  }
  return remarks;
}

/** Replicas of one step boot side by side, and so do drains; steps follow each other. */
function duration(
  states: readonly PlanState[],
  pools: readonly PoolFacts[],
): { estimatedSeconds: number; longestSeconds: number } {
  let estimatedSeconds = 0;
  let drains = 0;
  for (const [index, state] of states.entries()) {
    const previous = states[index - 1];
    if (previous === undefined) continue;
    const grown = pools.filter(({ name }) => state.pools[name]!.canary > previous.pools[name]!.canary);
    const shrunk = pools.filter(({ name }) => state.pools[name]!.primary < previous.pools[name]!.primary);
    estimatedSeconds += Math.max(0, ...grown.map(secondsToReady));
    drains += Math.max(0, ...shrunk.map((pool) => pool.drainSeconds));
  }
  return { estimatedSeconds, longestSeconds: estimatedSeconds + drains };
}

function secondsToReady({ bootSeconds, minReadySeconds }: PoolFacts): number {
  return bootSeconds + minReadySeconds;
}
