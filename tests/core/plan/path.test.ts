import assert from "node:assert/strict";
import fc from "fast-check";
import { planPath, planReturn, type Begin } from "../../../provider/core/plan/path";
import type { Path, PlannedPool, PlanState } from "../../../provider/core/plan/states";
import type { Strategy } from "../../../provider/core/strategy";
import { blueGreen, inPlace, rolling, surge } from "../strategies";

const beginAt = ({ percent, pools, weights }: PlanState): Begin => ({ percent, pools, weights });

const share = ({ weights }: PlanState) => (100 * weights.canary) / (weights.canary + weights.primary);
const total = ({ canary, primary }: { canary: number; primary: number }) => canary + primary;

/** What every path keeps, whatever its strategy, spelled out apart from the planners. */
function breaches(pools: readonly PlannedPool[], path: Path, way: "forward" | "back"): string[] {
  const found: string[] = [];
  for (const [index, state] of path.states.entries()) {
    const say = (rule: string) => found.push(`${rule} in state ${index}: ${JSON.stringify(state)}`);
    const previous = path.states[index - 1];
    if (total(state.weights) === 0) say("weights of nothing");
    if (previous !== undefined) {
      const moved = share(state) - share(previous);
      if (way === "forward" ? moved < -1e-9 : moved > 1e-9) say("traffic goes the wrong way");
    }
    for (const { name, from, to } of pools) {
      const counts = state.pools[name]!;
      if (!Number.isInteger(counts.canary) || !Number.isInteger(counts.primary)) say("no whole number");
      if (counts.canary < 0 || counts.primary < 0) say("less than nothing");
      const before = previous?.pools[name];
      const launches = before !== undefined && total(counts) > total(before);
      if (launches && total(counts) > path.cap[name]!) say(`more than the cap in ${name}`);
      const ends = before !== undefined && total(counts) < total(before);
      if (path.floor !== null && ends && from > 0 && to > 0 && total(counts) < path.floor[name]!)
        say(`below the floor in ${name}`);
    }
  }
  return found;
}

/** No version has a larger share of the traffic than of the replicas. */
function sharesBroken(pools: readonly PlannedPool[], states: readonly PlanState[]): string[] {
  return states.flatMap((state, index) =>
    pools.flatMap(({ name, from, to }) => {
      const { weights } = state;
      const { canary, primary } = state.pools[name]!;
      const fits =
        (to === 0 || weights.canary * to <= canary * total(weights)) &&
        (from === 0 || weights.primary * from <= primary * total(weights));
      return fits ? [] : [`share of ${name} in state ${index}: ${JSON.stringify(state)}`];
    }),
  );
}

const sized = (most: number) =>
  fc
    .array(fc.record({ from: fc.integer({ min: 0, max: most }), to: fc.integer({ min: 0, max: most }) }), {
      minLength: 1,
      maxLength: 4,
    })
    .filter(
      (sizes) =>
        sizes.every(({ from, to }) => from + to > 0) &&
        sizes.some(({ from }) => from > 0) &&
        sizes.some(({ to }) => to > 0),
    )
    .map((sizes) => sizes.map((size, index): PlannedPool => ({ name: `p${index}`, ...size })));
/** A pool has no replicas of a version that it is not in. */
const countsOf = (pools: readonly PlannedPool[], there: { canary: number; primary: number }[]) =>
  Object.fromEntries(
    pools.map(({ name, from, to }, index) => {
      const { canary, primary } = there[index]!;
      return [name, { canary: to === 0 ? 0 : canary, primary: from === 0 ? 0 : primary }];
    }),
  );
const percent = fc.integer({ min: 1, max: 100 });
const hold = fc.integer({ min: 0, max: 100 });
const anyStrategy: fc.Arbitrary<Strategy> = fc.oneof(
  fc
    .record({ by: percent, to: fc.option(hold) })
    .map(({ by, to }) => surge(by, to === null ? {} : { canaryPercent: to })),
  fc.constant(blueGreen()),
  fc
    .record({ by: percent, order: fc.constantFrom("stopFirst" as const, "startFirst" as const), out: fc.boolean() })
    .map(({ by, order, out }) => rolling(by, { order, allowOutage: out })),
  fc.record({ by: percent, out: fc.boolean() }).map(({ by, out }) => inPlace(by, { allowOutage: out })),
);

const counts = fc.record({ canary: fc.nat({ max: 40 }), primary: fc.nat({ max: 40 }) });

describe("planPath and planReturn", () => {
  it("keep cap, floor and direction in every state, and arrive, whatever the strategy", () => {
    fc.assert(
      fc.property(anyStrategy, sized(60), (strategy, pools) => {
        const path = planPath(strategy, pools);
        assert.deepEqual(breaches(pools, path, "forward"), []);
        const last = path.states.at(-1)!;
        const end = strategy.kind === "surge" ? (strategy.canaryPercent ?? 100) : 100;
        assert.equal(share(last), end);
        assert.equal(last.percent, end);
        assert.ok(path.states.some(({ settled }) => settled));
        if (end < 100) return assert.ok(last.settled);
        for (const { name, to } of pools) assert.deepEqual(last.pools[name], { canary: to, primary: 0 });
      }),
      { numRuns: 3_000 },
    );
  });

  it("come back to the primary alone from every state of every path", () => {
    fc.assert(
      fc.property(anyStrategy, sized(30), fc.nat(), fc.option(percent), (strategy, pools, at, maxSurgePercent) => {
        const { states } = planPath(strategy, pools);
        const begin = beginAt(states[at % states.length]!);
        const path = planReturn({ strategy, maxSurgePercent, pools, begin });
        assert.deepEqual({ ...path.states[0]!, kind: "", settled: false }, { ...begin, kind: "", settled: false });
        assert.deepEqual(breaches(pools, path, "back"), []);
        assert.ok(path.states.every(({ settled }) => !settled));
        const last = path.states.at(-1)!;
        assert.equal(share(last), 0);
        assert.equal(last.percent, 0);
        for (const { name, from } of pools) assert.deepEqual(last.pools[name], { canary: 0, primary: from });
      }),
      { numRuns: 3_000 },
    );
  });

  it("keep the shares of surge and its way back from every state, and shift by no more than the surge", () => {
    fc.assert(
      fc.property(percent, percent, fc.option(hold), sized(40), fc.nat(), (by, back, to, pools, at) => {
        const strategy = surge(by, to === null ? {} : { canaryPercent: to });
        const forward = planPath(strategy, pools);
        const begin = beginAt(forward.states[at % forward.states.length]!);
        const path = planReturn({ strategy, maxSurgePercent: back, pools, begin });
        for (const [{ states }, most] of [
          [forward, by],
          [path, back],
        ] as const) {
          assert.deepEqual(sharesBroken(pools, states), []);
          const jumps = states.slice(1).map((state, index) => Math.abs(share(state) - share(states[index]!)));
          assert.ok(Math.max(0, ...jumps) <= most + 1e-9);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("go from any hold to any other, up and down, inside cap and shares", () => {
    fc.assert(
      fc.property(percent, hold, hold, sized(40), (by, first, second, pools) => {
        const held = planPath(surge(by, { canaryPercent: first }), pools).states.at(-1)!;
        const path = planPath(surge(by, { canaryPercent: second }), pools, beginAt(held));
        assert.deepEqual(breaches(pools, path, second >= first ? "forward" : "back"), []);
        assert.deepEqual(sharesBroken(pools, path.states), []);
        const last = path.states.at(-1)!;
        assert.equal(share(last), second);
        const fresh = planPath(surge(by, { canaryPercent: second }), pools).states.at(-1)!;
        assert.deepEqual(last.pools, second === 100 ? fresh.pools : { ...fresh.pools });
        if (second === first && second < 100) assert.equal(path.states.length, 1);
      }),
      { numRuns: 3_000 },
    );
  });

  it("mend a begin whose counts are none of a plan, by moves that keep cap and shares", () => {
    const any = fc.record({
      by: percent,
      to: hold,
      pools: sized(30),
      counts: fc.array(counts, { minLength: 4, maxLength: 4 }),
      at: hold,
    });
    fc.assert(
      fc.property(any, ({ by, to, pools, counts: there, at }) => {
        const begin: Begin = {
          percent: at,
          pools: countsOf(pools, there),
          weights: { canary: at, primary: 100 - at },
        };
        const path = planPath(surge(by, { canaryPercent: to }), pools, begin);
        assert.deepEqual(breaches(pools, path, to >= at ? "forward" : "back"), []);
        // The first moves mend what the begin broke; from the first change of traffic on everything holds.
        const firstShift = path.states.findIndex((state) => share(state) !== at);
        if (firstShift > 0) assert.deepEqual(sharesBroken(pools, path.states.slice(firstShift)), []);
        assert.deepEqual(sharesBroken(pools, path.states.slice(-1)), []);
        const fresh = planPath(surge(by, { canaryPercent: to }), pools);
        assert.deepEqual(path.states.at(-1)!.pools, fresh.states.at(-1)!.pools);
      }),
      { numRuns: 5_000 },
    );
  });

  it("mend a begin of the other strategies too: no move of ours goes above the cap or below the floor", () => {
    const any = fc.record({
      strategy: anyStrategy,
      pools: sized(30),
      there: fc.array(counts, { minLength: 4, maxLength: 4 }),
    });
    fc.assert(
      fc.property(any, ({ strategy, pools, there }) => {
        if (strategy.kind === "surge") return;
        const begin: Begin = { percent: 50, pools: countsOf(pools, there), weights: { canary: 50, primary: 50 } };
        const path = planPath(strategy, pools, begin);
        const moves = breaches(pools, path, "forward").filter((breach) => !breach.startsWith("traffic"));
        assert.deepEqual(moves, []);
        for (const { name, to } of pools) assert.deepEqual(path.states.at(-1)!.pools[name], { canary: to, primary: 0 });
      }),
      { numRuns: 3_000 },
    );
  });
});
