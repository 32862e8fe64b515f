import assert from "node:assert/strict";
import fc from "fast-check";
import { planPath, planReturn, type Begin } from "../../../provider/core/plan/path";
import { weighed } from "../../../provider/core/plan/units";
import type { Path, PlannedPool } from "../../../provider/core/plan/states";
import type { Strategy } from "../../../provider/core/strategy";
import { planRollout } from "../../../provider/core/plan/rollout-plan";
import { NOTHING_THERE } from "../../../provider/core/plan/service-view";
import { factsOf } from "../../../provider/core/spec/facts";
import { poolSpec as specOf } from "../../simulation/intents";
import { blueGreen, inPlace, rolling, surge } from "../strategies";

const percent = fc.integer({ min: 1, max: 100 });
const weight = fc.constantFrom(0.25, 0.5, 1, 1.5, 2, 3, 4, 7, 10);
const order = fc.constantFrom("stopFirst" as const, "startFirst" as const);
const anyRolling = fc
  .record({ by: percent, order, out: fc.boolean() })
  .map(({ by, order, out }) => rolling(by, { order, allowOutage: out }));
const anyInPlace = fc
  .record({ by: percent, out: fc.boolean() })
  .map(({ by, out }) => inPlace(by, { allowOutage: out }));
const anySurge = fc
  .record({ by: percent, to: fc.option(fc.integer({ min: 0, max: 100 })) })
  .map(({ by, to }) => surge(by, to === null ? {} : { canaryPercent: to }));

const sizes = fc.array(
  fc.record({ from: fc.integer({ min: 1, max: 30 }), to: fc.integer({ min: 1, max: 30 }), was: weight, is: weight }),
  { minLength: 1, maxLength: 3 },
);
type Sizes = (typeof sizes extends fc.Arbitrary<infer T> ? T : never)[number];
const plain = (given: readonly Sizes[]) =>
  given.map(({ from, to }, index): PlannedPool => ({ name: `p${index}`, from, to }));
const heavy = (given: readonly Sizes[]) =>
  plain(given).map((pool, index): PlannedPool => ({ ...pool, ...weighed(given[index]!.was, given[index]!.is) }));

/** What a rolling path keeps of each pool's capacity, in declared weights and apart from the planner. */
function breaches(strategy: Strategy & { kind: "rolling" }, given: readonly Sizes[], path: Path): string[] {
  const found: string[] = [];
  for (const [index, { pools }] of path.states.entries()) {
    for (const [at, { from, to, was, is }] of given.entries()) {
      const say = (rule: string) => found.push(`${rule} of p${at} in state ${index}: ${JSON.stringify(pools)}`);
      const { canary, primary } = pools[`p${at}`]!;
      const both = Math.min(from * was, to * is);
      // A wave takes one replica at least, and down to nothing only where that is allowed.
      const wave = Math.max((both * strategy.maxUnavailablePercent) / 100, was);
      const least = strategy.order === "startFirst" ? both : both - wave;
      if (canary * is + primary * was < least - 1e-9) say("capacity");
      if (canary + primary === 0 && !strategy.allowOutage) say("outage");
      if (canary + primary > path.cap[`p${at}`]!) say("cap");
      if (canary > to || primary > from) say("more than either version has");
    }
  }
  return found;
}

describe("capacity weights in a plan", () => {
  it("change nothing while every replica has the same", () => {
    const any = fc.oneof(anySurge, fc.constant(blueGreen()), anyRolling, anyInPlace);
    fc.assert(
      fc.property(any, sizes, weight, (strategy, given, each) => {
        const alike = heavy(given.map((size) => ({ ...size, was: each, is: each })));
        assert.deepEqual(planPath(strategy, alike), planPath(strategy, plain(given)));
      }),
      { numRuns: 1_000 },
    );
  });

  it("change nothing where each version has a share of its own full size", () => {
    fc.assert(
      fc.property(
        fc.oneof(anySurge, fc.constant(blueGreen())),
        sizes,
        percent,
        fc.nat(),
        (strategy, given, back, at) => {
          const path = planPath(strategy, heavy(given));
          assert.deepEqual(path, planPath(strategy, plain(given)));
          const begin: Begin = path.states[at % path.states.length]!;
          const request = { strategy, maxSurgePercent: back, begin };
          assert.deepEqual(
            planReturn({ ...request, pools: heavy(given) }),
            planReturn({ ...request, pools: plain(given) }),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it("give a rolling rollout waves of capacity, there and back, with no more VMs than its cap", () => {
    fc.assert(
      fc.property(anyRolling, sizes, (strategy, given) => {
        assert.ok(strategy.kind === "rolling");
        const pools = heavy(given);
        const path = planPath(strategy, pools);
        assert.deepEqual(breaches(strategy, given, path), []);
        for (const { name, to } of pools) assert.deepEqual(path.states.at(-1)!.pools[name], { canary: to, primary: 0 });
        const back = planReturn({ strategy, maxSurgePercent: null, pools, begin: path.states.at(-1)! });
        for (const { name, from } of pools)
          assert.deepEqual(back.states.at(-1)!.pools[name], { canary: 0, primary: from });
      }),
      { numRuns: 3_000 },
    );
  });

  it("give each ready replica traffic by its weight", () => {
    fc.assert(
      fc.property(fc.oneof(anyRolling, anyInPlace), sizes, (strategy, [size]) => {
        const { states } = planPath(strategy, heavy([size!]));
        for (const { weights, pools } of states) {
          const { canary, primary } = pools["p0"]!;
          assert.ok(
            canary + primary === 0 || near(weights.canary * primary * size!.was, weights.primary * canary * size!.is),
          );
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("replace eight small replicas by two that carry four times as much without losing more than a fifth", () => {
    const { states, cap, floor } = planPath(rolling(20), [{ name: "p", from: 8, to: 2, ...weighed(1, 4) }]);
    assert.deepEqual(
      states.map(
        ({ pools, weights }) => `${pools["p"]!.canary}+${pools["p"]!.primary} ${weights.canary}:${weights.primary}`,
      ),
      ["0+8 0:100", "0+7 0:7", "1+7 4:7", "1+3 4:3", "2+3 8:3", "2+0 8:0"],
    );
    assert.deepEqual({ cap, floor }, { cap: { p: 8 }, floor: { p: 7 } });
  });

  it("never end the one replica that carries it all before its successors serve", () => {
    const pools: PlannedPool[] = [{ name: "p", from: 1, to: 4, ...weighed(4, 1) }];
    const counts = ({ states }: Path) => states.map(({ pools }) => `${pools["p"]!.canary}+${pools["p"]!.primary}`);
    assert.deepEqual(counts(planPath(rolling(20), pools)), ["0+1", "4+1", "4+0"]);
    assert.deepEqual(counts(planPath(rolling(20, { allowOutage: true }), pools)), ["0+1", "0+0", "4+0"]);
  });

  it("are told in preview: what other machines come to, and of which capacity a wave takes its share", () => {
    const from = factsOf(specOf("p", "a", 8));
    const to = factsOf(specOf("p", "b", 2, { capacityWeight: 4 }));
    const view = { ...NOTHING_THERE, serving: { p: from } };
    const { plan } = planRollout({ target: [to], before: [from], view, targetKey: "key", strategy: rolling(20) });
    assert.match(plan.changes.join(), /staged with it: replicas 8 -> 2, capacityWeight 1 -> 4/);
    assert.deepEqual(plan.notes, [
      "p: 8 replicas of capacityWeight 1 before, 2 of 4 after: a capacity of 8, then 8",
      "p: at most 12.5 % of its capacity down at once",
    ]);
    assert.deepEqual(plan.cap, { p: 8 });
  });
});

function near(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-6;
}
