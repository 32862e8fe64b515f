import type { Begin, PlannedPool, PlanState } from "./states";

export interface Counts {
  canary: number;
  primary: number;
}

/** Where every rollout starts that does not begin in the middle: all of the primary, none of the canary. */
export function fromStart(pools: readonly PlannedPool[]): Begin {
  return {
    percent: 0,
    pools: Object.fromEntries(pools.map(({ name, from }) => [name, { canary: 0, primary: from }])),
    weights: { canary: 0, primary: 100 },
  };
}

/**
 * The states so far and the one being made; states that change nothing are not visited twice. A plan of many pools has
 * thousands of states that differ in one pool each, so they share the counts of all others.
 */
export class Walk {
  readonly states: PlanState[] = [];
  weights: Counts;
  percent: number;
  private now: Record<string, Counts>;

  constructor(pools: readonly PlannedPool[], begin: Begin) {
    this.weights = { ...begin.weights };
    this.percent = begin.percent;
    this.now = Object.fromEntries(
      pools.map(({ name }) => [name, { ...(begin.pools[name] ?? { canary: 0, primary: 0 }) }]),
    );
    this.push("start");
  }

  of(pool: PlannedPool): Readonly<Counts> {
    return this.now[pool.name]!;
  }

  set(pool: PlannedPool, change: Partial<Counts>): void {
    const before = this.of(pool);
    const after = { ...before, ...change };
    if (sameCounts(before, after)) return;
    // What a visited state holds stays as it is.
    if (this.now === this.last.pools) this.now = { ...this.now };
    this.now[pool.name] = after;
  }

  visit(kind: PlanState["kind"], change: () => void): void {
    change();
    const { last } = this;
    if (this.now !== last.pools && samePools(this.now, last.pools)) this.now = last.pools;
    if (this.now !== last.pools || !sameTraffic(this.weights, last.weights)) this.push(kind);
  }

  /** Marks where the step waits: its last state, and in the last step the one before the primary goes (A20). */
  settle(): void {
    const { last } = this;
    const ends = last.kind === "down" && Object.values(last.pools).every(({ primary }) => primary === 0);
    this.states.at(ends ? -2 : -1)!.settled = true;
  }

  private get last(): PlanState {
    return this.states.at(-1)!;
  }

  private push(kind: PlanState["kind"]): void {
    this.states.push({ kind, percent: this.percent, pools: this.now, weights: { ...this.weights }, settled: false });
  }
}

function sameCounts(a: Counts, b: Counts): boolean {
  return a.canary === b.canary && a.primary === b.primary;
}

function samePools(a: PlanState["pools"], b: PlanState["pools"]): boolean {
  for (const name in a) if (a[name] !== b[name] && !sameCounts(a[name]!, b[name]!)) return false;
  return true;
}

function sameTraffic(a: Counts, b: Counts): boolean {
  return a.canary * b.primary === b.canary * a.primary;
}
