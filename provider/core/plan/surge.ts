/**
 * Rule R (DESIGN section 4): the one function that makes the plan, for preview and for the rollout itself.
 *
 * Integers only. In every state and pool: steady state <= canary + primary <= cap, no version gets a larger share of
 * the traffic than its share of the replicas, and the canary's share only grows, by at most the surge a step.
 */

import type { Path, PlannedPool, PlanState } from "./states";

/** Ceiling of `percent` of `replicas`. In integers, because 0.07 * 100 is more than 7 as a float. */
export function up(replicas: number, percent: number): number {
  return Math.floor((replicas * percent + 99) / 100);
}

/** The most VMs of a pool during a rollout (A13: of the larger of both steady states). */
export function surgeCap(pool: PlannedPool, maxSurgePercent: number): number {
  return up(Math.max(pool.from, pool.to), 100 + maxSurgePercent);
}

/**
 * Every state of the rollout from `from` to `to` replicas of each pool.
 *
 * @example planSurge({ pools: [{ name: "chat", from: 4, to: 4 }], maxSurgePercent: 25 }).cap // { chat: 5 }
 * @throws RangeError when a number is no integer or the surge is outside 1..100.
 */
export function planSurge(input: { pools: PlannedPool[]; maxSurgePercent: number }): Path {
  const { pools, maxSurgePercent } = input;
  refuseNonsense(input);
  const cap = Object.fromEntries(pools.map((pool) => [pool.name, surgeCap(pool, maxSurgePercent)]));
  const walk = new Walk(pools);
  for (let settled = 0; settled < 100;) {
    const next = Math.min(100, settled + maxSurgePercent);
    walk.percent = next;
    const grown = (pool: PlannedPool) => (pool.from === 0 ? pool.to : up(pool.to, next));
    const grows = (pool: PlannedPool) => grown(pool) > walk.of(pool).canary;
    const fits = (pool: PlannedPool) => grown(pool) + walk.of(pool).primary <= cap[pool.name]!;

    walk.visit("up", () => {
      for (const pool of pools) if (grows(pool) && fits(pool)) walk.of(pool).canary = grown(pool);
    });
    // Ascending share of canaries: a pool tightened later has at least the share that earlier ones set the traffic to.
    const tight = pools.filter(grows).sort((a, b) => walk.of(a).canary * b.to - walk.of(b).canary * a.to);
    for (const pool of tight) {
      const { canary } = walk.of(pool);
      const rest = pool.to - canary;
      walk.visit("tighten", () => (walk.weights = { canary, primary: rest }));
      walk.visit("tighten", () => (walk.of(pool).primary = Math.ceil((pool.from * rest) / pool.to)));
      walk.visit("up", () => (walk.of(pool).canary = grown(pool)));
    }
    walk.visit("shift", () => (walk.weights = { canary: next, primary: 100 - next }));
    walk.visit("down", () => {
      // A pool that goes has no canary to take its share, so it stays whole until no traffic is left for it.
      for (const pool of pools) {
        walk.of(pool).primary = pool.to === 0 && next < 100 ? pool.from : up(pool.from, 100 - next);
      }
    });
    walk.settle(next);
    settled = next;
  }
  return { cap, floor: null, states: walk.states };
}

/** The states so far and the one being made; states that change nothing are not visited twice. */
class Walk {
  readonly states: PlanState[] = [];
  weights = { canary: 0, primary: 100 };
  percent = 0;
  private readonly now: Record<string, { canary: number; primary: number }>;

  constructor(pools: PlannedPool[]) {
    this.now = Object.fromEntries(pools.map(({ name, from }) => [name, { canary: 0, primary: from }]));
    this.states.push(this.snapshot("start"));
  }

  of(pool: PlannedPool): { canary: number; primary: number } {
    return this.now[pool.name]!;
  }

  visit(kind: PlanState["kind"], change: () => void): void {
    change();
    const state = this.snapshot(kind);
    if (!sameState(state, this.states.at(-1)!)) this.states.push(state);
  }

  /** Marks where the step waits: its last state, and in the last step the one before the primary goes (A20). */
  settle(percent: number): void {
    const before = percent === 100 && this.states.at(-1)!.kind === "down" ? -2 : -1;
    this.states.at(before)!.settled = true;
  }

  private snapshot(kind: PlanState["kind"]): PlanState {
    const pools = Object.fromEntries(Object.entries(this.now).map(([name, counts]) => [name, { ...counts }]));
    return { kind, percent: this.percent, pools, weights: { ...this.weights }, settled: false };
  }
}

function sameState(a: PlanState, b: PlanState): boolean {
  const sameTraffic = a.weights.canary * b.weights.primary === b.weights.canary * a.weights.primary;
  return (
    sameTraffic &&
    Object.entries(a.pools).every(([name, { canary, primary }]) => {
      const other = b.pools[name]!;
      return canary === other.canary && primary === other.primary;
    })
  );
}

function refuseNonsense({ pools, maxSurgePercent }: { pools: PlannedPool[]; maxSurgePercent: number }): void {
  if (!Number.isInteger(maxSurgePercent) || maxSurgePercent < 1 || maxSurgePercent > 100) {
    throw new RangeError(`maxSurgePercent must be a whole number from 1 to 100, not ${maxSurgePercent}`);
  }
  for (const { name, from, to } of pools) {
    for (const count of [from, to]) {
      if (!Number.isInteger(count) || count < 0) {
        throw new RangeError(`replicas of pool "${name}" must be a whole number of at least 0, not ${count}`);
      }
    }
  }
  if (new Set(pools.map(({ name }) => name)).size < pools.length) {
    throw new RangeError("two pools have the same name");
  }
}
