import type { Begin, PlannedPool, PlanState } from "./states";

/** Where every rollout starts that does not begin in the middle: all of the primary, none of the canary. */
export function fromStart(pools: readonly PlannedPool[]): Begin {
  return {
    percent: 0,
    pools: Object.fromEntries(pools.map(({ name, from }) => [name, { canary: 0, primary: from }])),
    weights: { canary: 0, primary: 100 },
  };
}

/** The states so far and the one being made; states that change nothing are not visited twice. */
export class Walk {
  readonly states: PlanState[] = [];
  weights: { canary: number; primary: number };
  percent: number;
  private readonly now: Record<string, { canary: number; primary: number }>;

  constructor(pools: readonly PlannedPool[], begin: Begin) {
    this.weights = { ...begin.weights };
    this.percent = begin.percent;
    this.now = Object.fromEntries(
      pools.map(({ name }) => [name, { ...(begin.pools[name] ?? { canary: 0, primary: 0 }) }]),
    );
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
  settle(): void {
    const last = this.states.at(-1)!;
    const ends = last.kind === "down" && Object.values(last.pools).every(({ primary }) => primary === 0);
    this.states.at(ends ? -2 : -1)!.settled = true;
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
