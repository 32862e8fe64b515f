import assert from "node:assert/strict";
import { maxShiftPercent, planPath, planReturn, type Begin } from "../../../provider/core/plan/path";
import type { Path, PlannedPool, PlanState } from "../../../provider/core/plan/states";
import { blueGreen, inPlace, rolling, surge } from "../strategies";

const one = (from: number, to = from): PlannedPool[] => [{ name: "p", from, to }];
const beginAt = ({ percent, pools, weights }: PlanState): Begin => ({ percent, pools, weights });

const share = ({ weights }: PlanState) => (100 * weights.canary) / (weights.canary + weights.primary);
/** `canary/primary@traffic` of a service of one pool; `*` where it waits. */
const words = (state: PlanState) => {
  const { canary, primary } = state.pools["p"]!;
  return `${canary}/${primary}@${Number(share(state).toFixed(2))}${state.settled ? "*" : ""}`;
};
const trace = ({ states }: Path) => states.map(words).join(" ");
const kinds = ({ states }: Path) => states.map(({ kind }) => kind).join(" ");

const total = ({ canary, primary }: { canary: number; primary: number }) => canary + primary;

describe("planPath by worked tables", () => {
  it("holds a canary at exactly its percent, the last step shorter, and goes on from there and not from the grid", () => {
    const held = planPath(surge(25, { canaryPercent: 40 }), one(10));
    assert.equal(trace(held), "0/10@0 3/10@0 3/10@25 3/8@25* 4/8@25 4/8@40 4/6@40*");
    const on = planPath(surge(25, { canaryPercent: 70 }), one(10), beginAt(held.states.at(-1)!));
    assert.equal(trace(on), "4/6@40 7/6@40 7/6@65 7/4@65* 7/4@70 7/3@70*");
  });

  it("holds at 0 with one canary that only a header reaches, and completes from there", () => {
    const held = planPath(surge(25, { canaryPercent: 0 }), one(4));
    assert.equal(trace(held), "0/4@0 1/4@0*");
    const on = planPath(surge(50), one(4), beginAt(held.states.at(-1)!));
    assert.equal(trace(on), "1/4@0 2/4@0 2/4@50 2/2@50* 4/2@50 4/2@100* 4/0@100");
  });

  it("lowers a hold by the same rule the other way round, and waits only at its end", () => {
    const held = planPath(surge(25, { canaryPercent: 50 }), one(4)).states.at(-1)!;
    const lower = planPath(surge(25, { canaryPercent: 10 }), one(4), beginAt(held));
    assert.equal(trace(lower), "2/2@50 2/3@50 2/3@25 1/3@25 1/4@25 1/4@10*");
    const none = planPath(surge(25, { canaryPercent: 0 }), one(4), beginAt(lower.states.at(-1)!));
    assert.equal(trace(none), "1/4@10 1/4@0*");
  });

  it("stays where it is when the hold does not change", () => {
    const held = planPath(surge(25, { canaryPercent: 50 }), one(7)).states.at(-1)!;
    assert.equal(trace(planPath(surge(25, { canaryPercent: 50 }), one(7), beginAt(held))), "4/4@50*");
  });

  it("takes live counts into account: 4 replicas held at 50 percent become 8", () => {
    const held = planPath(surge(25, { canaryPercent: 50 }), one(4)).states.at(-1)!;
    assert.equal(trace(planPath(surge(25, { canaryPercent: 50 }), one(8), beginAt(held))), "2/2@50 4/4@50*");
    assert.equal(
      trace(planPath(surge(25), one(8), beginAt(held))),
      "2/2@50 4/4@50 6/4@50 6/4@75 6/2@75* 8/2@75 8/2@100* 8/0@100",
    );
  });

  it("cuts over in one generation once a whole second fleet is up, and waits before the first one goes", () => {
    const path = planPath(blueGreen(), one(4, 6));
    assert.equal(trace(path), "0/4@0 6/4@0 6/4@100* 6/0@100");
    assert.equal(kinds(path), "start up cutOver down");
    assert.deepEqual(path.cap, { p: 10 });
    assert.deepEqual(path.states[2]!.weights, { canary: 100, primary: 0 });
  });

  const ray: [number, number][] = [
    [1, 1],
    [4, 1],
    [5, 1],
    [10, 2],
    [100, 20],
  ];
  for (const [replicas, wave] of ray) {
    it(`updates ${replicas} replicas ${wave} at a time, which is Ray's max(int(0.2 * N), 1)`, () => {
      const { states, cap, floor } = planPath(rolling(20, { allowOutage: true }), one(replicas));
      const kept = states.map(({ pools }) => total(pools["p"]!));
      assert.equal(Math.min(...kept), replicas - wave);
      assert.deepEqual([cap, floor], [{ p: replicas }, { p: replicas - wave }]);
      const ups = states.filter(({ kind }) => kind === "up").map(({ pools }) => pools["p"]!.canary);
      assert.deepEqual(
        ups,
        Array.from({ length: replicas / wave }, (_, index) => wave * (index + 1)),
      );
    });
  }

  it("stops a wave before it starts the next, and waits after each", () => {
    assert.equal(trace(planPath(rolling(50), one(5))), "0/5@0 0/3@0 2/3@40* 2/1@66.67 4/1@80* 4/0@100 5/0@100*");
  });

  it("starts a wave before it stops one, and never has fewer than N", () => {
    const path = planPath(rolling(50, { order: "startFirst" }), one(4));
    assert.equal(trace(path), "0/4@0 2/4@33.33 2/2@50* 4/2@66.67* 4/0@100");
    assert.deepEqual([path.cap, path.floor], [{ p: 6 }, { p: 4 }]);
  });

  it("starts the successor of a single replica first, whatever the order, unless an outage is allowed", () => {
    for (const strategy of [rolling(), inPlace()]) {
      const path = planPath(strategy, one(1));
      assert.equal(trace(path), "0/1@0 1/1@50* 1/0@100");
      assert.deepEqual([path.cap, path.floor], [{ p: 2 }, { p: 1 }]);
    }
    assert.equal(trace(planPath(rolling(20, { allowOutage: true }), one(1))), "0/1@0 0/0@0 1/0@100*");
    assert.equal(trace(planPath(inPlace(20, { allowOutage: true }), one(1))), "0/1@0 1/0@100*");
  });

  it("leaves one replica of two even at 100 percent", () => {
    assert.equal(trace(planPath(rolling(100), one(2))), "0/2@0 0/1@0 1/1@50* 1/0@100 2/0@100*");
  });

  it("restarts waves on the same machines, and never has more of them", () => {
    const path = planPath(inPlace(50), one(5));
    assert.equal(trace(path), "0/5@0 2/3@40* 4/1@80* 5/0@100*");
    assert.equal(kinds(path), "start restart restart restart");
    assert.deepEqual([path.cap, path.floor], [{ p: 5 }, { p: 3 }]);
  });

  it("ends a surplus first and starts extra replicas last where N changes", () => {
    assert.equal(trace(planPath(rolling(50), one(4, 2))), "0/4@0 0/2@0 0/1@0 1/1@50* 1/0@100 2/0@100*");
    assert.equal(trace(planPath(inPlace(50), one(2, 4))), "0/2@0 1/1@50* 2/0@100* 4/0@100*");
  });

  it("takes the waves of several pools together, a new pool first and one that goes last", () => {
    const pools: PlannedPool[] = [
      { name: "p", from: 2, to: 2 },
      { name: "new", from: 0, to: 3 },
      { name: "old", from: 2, to: 0 },
    ];
    const { states } = planPath(rolling(50), pools);
    const counts = states.map(({ pools: now }) =>
      Object.values(now)
        .map((each) => `${each.canary}/${each.primary}`)
        .join(" "),
    );
    assert.deepEqual(counts, [
      "0/2 0/0 0/2",
      "0/2 3/0 0/2",
      "0/1 3/0 0/2",
      "1/1 3/0 0/2",
      "1/0 3/0 0/2",
      "2/0 3/0 0/2",
      "2/0 3/0 0/0",
    ]);
    assert.deepEqual(states[1]!.weights, { canary: 0, primary: 2 });
  });

  it("goes back gradually from 25, 50 and 75 percent by the mirror of rule R", () => {
    const expected: [number, string][] = [
      [25, "3/8@25 3/10@25 3/10@0 0/10@0"],
      [50, "5/5@50 5/8@50 5/8@25 3/8@25 3/10@25 3/10@0 0/10@0"],
      [75, "8/3@75 8/5@75 8/5@50 5/5@50 5/8@50 5/8@25 3/8@25 3/10@25 3/10@0 0/10@0"],
    ];
    for (const [at, states] of expected) {
      const held = planPath(surge(25, { canaryPercent: at }), one(10)).states.at(-1)!;
      const path = planReturn({ strategy: surge(25), maxSurgePercent: 25, pools: one(10), begin: beginAt(held) });
      assert.equal(trace(path), states);
    }
  });

  it("goes back by the surge of the rollback, and from the middle of a step", () => {
    const { states } = planPath(surge(25), one(7));
    const middle = states.find((state) => words(state).startsWith("4/5@28.57"))!;
    const path = planReturn({ strategy: surge(25), maxSurgePercent: 50, pools: one(7), begin: beginAt(middle) });
    assert.equal(trace(path), "4/5@28.57 4/7@28.57 4/7@0 0/7@0");
    const slow = planReturn({ strategy: surge(25), maxSurgePercent: null, pools: one(7), begin: beginAt(middle) });
    assert.equal(trace(slow), "4/5@28.57 2/5@28.57 2/7@28.57 2/7@4 1/7@4 1/7@0 0/7@0");
  });

  it("goes back from a cut-over without ending a primary that is still there", () => {
    const cut = planPath(blueGreen(), one(4)).states[2]!;
    const path = planReturn({ strategy: blueGreen(), maxSurgePercent: 50, pools: one(4), begin: beginAt(cut) });
    assert.equal(trace(path), "4/4@100 4/4@50 2/4@50 2/4@0 0/4@0");
  });

  it("goes back wave by wave where it went forward so", () => {
    const [, , , middle] = planPath(rolling(50), one(4)).states;
    assert.equal(
      trace(planReturn({ strategy: rolling(50), maxSurgePercent: null, pools: one(4), begin: beginAt(middle!) })),
      "2/0@100 2/2@50 0/2@0 0/4@0",
    );
    const half = planPath(inPlace(50), one(4)).states[1]!;
    assert.equal(
      trace(planReturn({ strategy: inPlace(50), maxSurgePercent: null, pools: one(4), begin: beginAt(half) })),
      "2/2@50 0/4@0",
    );
  });

  it("plans 10,000 replicas in well under 10 ms, whatever the strategy", () => {
    const strategies = [surge(1), surge(25), blueGreen(), rolling(1), rolling(20), inPlace(20)];
    for (const strategy of strategies) {
      for (let warm = 0; warm < 20; warm += 1) planPath(strategy, one(10_000));
      const times = Array.from({ length: 5 }, () => {
        const begun = performance.now();
        planPath(strategy, one(10_000));
        return performance.now() - begun;
      });
      assert.ok(Math.min(...times) < 10, `${strategy.kind} took ${Math.min(...times)} ms`);
    }
  });

  it("tells how far one step may shift the traffic", () => {
    assert.deepEqual([surge(34), blueGreen(), rolling(), inPlace()].map(maxShiftPercent), [34, 100, 100, 100]);
  });
});
