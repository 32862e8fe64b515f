import assert from "node:assert/strict";
import fc from "fast-check";
import { planSurge, up } from "../../../provider/core/plan/surge";
import type { PlannedPool, Path } from "../../../provider/core/plan/states";

/** Every inequality of rule R, spelled out apart from the planner. */
function breaches(pools: PlannedPool[], surge: number, plan: Path): string[] {
  const found: string[] = [];
  let before: { canary: number; primary: number } | null = null;
  for (const [index, { pools: counts, weights, kind }] of plan.states.entries()) {
    const total = weights.canary + weights.primary;
    const say = (rule: string) =>
      found.push(`${rule} in state ${index} (${kind}) ${JSON.stringify({ counts, weights })}`);
    for (const { name, from, to } of pools) {
      const { canary, primary } = counts[name]!;
      const cap = Math.floor((Math.max(from, to) * (100 + surge) + 99) / 100);
      if (plan.cap[name] !== cap) say("cap differs");
      if (canary + primary > cap) say("more than the cap");
      if (canary + primary < Math.min(from, to)) say("less than steady state");
      // A pool in one version only takes no part in the other version's share.
      if (to > 0 && weights.canary * to > canary * total) say("canary gets more than its share");
      if (from > 0 && weights.primary * from > primary * total) say("primary gets more than its share");
      if (from > 0 && weights.primary > 0 && primary < 1) say("no primary while it has traffic");
      if (to > 0 && weights.canary > 0 && canary < 1) say("no canary while it has traffic");
    }
    if (before !== null) {
      const beforeTotal = before.canary + before.primary;
      const moved = weights.canary * beforeTotal - before.canary * total;
      if (moved < 0) say("traffic fell");
      if (moved * 100 > surge * total * beforeTotal) say("traffic jumped by more than the surge");
    }
    before = weights;
  }
  const last = plan.states.at(-1)!;
  for (const { name, to } of pools) {
    if (last.pools[name]!.canary !== to || last.pools[name]!.primary !== 0)
      found.push(`does not end at the target: ${name}`);
  }
  return found;
}

const trace = (from: number, surge: number) =>
  planSurge({ pools: [{ name: "p", from, to: from }], maxSurgePercent: surge }).states.map(({ pools, weights }) => {
    const { canary, primary } = pools["p"]!;
    const share = (100 * weights.canary) / (weights.canary + weights.primary);
    return `${canary}/${primary}@${Number(share.toFixed(2))}`;
  });

const settled = (replicas: number, surge: number) =>
  planSurge({ pools: [{ name: "p", from: replicas, to: replicas }], maxSurgePercent: surge })
    .states.filter(({ weights, percent, kind }, index, states) => {
      const lastOfStep = states[index + 1]?.percent !== percent;
      return lastOfStep && kind !== "start" && weights.canary * 100 === percent * (weights.canary + weights.primary);
    })
    .map(({ percent, pools }) => `${percent}:${pools["p"]!.canary}/${pools["p"]!.primary}`)
    .join(" ");

const peak = (replicas: number, surge: number) =>
  Math.max(
    ...planSurge({ pools: [{ name: "p", from: replicas, to: replicas }], maxSurgePercent: surge }).states.map(
      ({ pools }) => pools["p"]!.canary + pools["p"]!.primary,
    ),
  );

describe("planSurge, rule R", () => {
  it("holds every inequality for one pool of 1..300 replicas and every surge of 1..100", function () {
    this.timeout(300_000);
    for (let replicas = 1; replicas <= 300; replicas += 1) {
      const pools = [{ name: "p", from: replicas, to: replicas }];
      for (let surge = 1; surge <= 100; surge += 1) {
        const found = breaches(pools, surge, planSurge({ pools, maxSurgePercent: surge }));
        if (found.length > 0) assert.fail(`N=${replicas} S=${surge}: ${found[0]}`);
      }
    }
  });

  it("holds every inequality for 20,000 random services of 1-5 pools whose sizes change", function () {
    this.timeout(180_000);
    const count = fc.integer({ min: 1, max: 300 });
    const service = fc.record({
      sizes: fc.array(fc.record({ from: count, to: count }), { minLength: 1, maxLength: 5 }),
      surge: fc.integer({ min: 1, max: 100 }),
    });
    fc.assert(
      fc.property(service, ({ sizes, surge }) => {
        const pools = sizes.map((size, index) => ({ name: `p${index}`, ...size }));
        assert.deepEqual(breaches(pools, surge, planSurge({ pools, maxSurgePercent: surge })), []);
      }),
      { numRuns: 20_000 },
    );
  });

  it("holds every inequality when pools come and go in the rollout", () => {
    const size = fc.record({ from: fc.integer({ min: 0, max: 40 }), to: fc.integer({ min: 0, max: 40 }) });
    const some = size.filter(({ from, to }) => from + to > 0);
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 100 }), (sizes, surge) => {
        const pools = sizes.map((each, index) => ({ name: `p${index}`, ...each }));
        assert.deepEqual(breaches(pools, surge, planSurge({ pools, maxSurgePercent: surge })), []);
      }),
      { numRuns: 5_000 },
    );
  });

  it("reproduces the seed's table: 100 replicas, 25 percent", () => {
    assert.deepEqual(trace(100, 25), [
      ..."0/100@0 25/100@0 25/100@25 25/75@25 50/75@25 50/75@50 50/50@50 75/50@50 75/50@75 75/25@75".split(" "),
      ..."100/25@75 100/25@100 100/0@100".split(" "),
    ]);
  });

  it("rounds up: 7 replicas at 50 percent are 4", () => assert.equal(up(7, 50), 4));

  it("tightens 7 replicas at 25 percent exactly as the worked trace", () => {
    assert.deepEqual(trace(7, 25), [
      ..."0/7@0 2/7@0 2/7@25 2/6@25 2/6@28.57 2/5@28.57 4/5@28.57 4/5@50 4/4@50 4/4@57.14 4/3@57.14 6/3@57.14".split(
        " ",
      ),
      ..."6/3@75 6/2@75 7/2@75 7/2@100 7/0@100".split(" "),
    ]);
  });

  it("tightens 3 replicas at 25 percent exactly as the worked trace", () => {
    assert.deepEqual(trace(3, 25), [
      ..."0/3@0 1/3@0 1/3@25 1/3@33.33 1/2@33.33 2/2@33.33 2/2@50 2/2@66.67 2/1@66.67 3/1@66.67 3/1@75 3/1@100".split(
        " ",
      ),
      "3/0@100",
    ]);
  });

  it("moves the traffic of a single replica in finer steps than replicas", () => {
    assert.deepEqual(trace(1, 34), ["0/1@0", "1/1@0", "1/1@34", "1/1@68", "1/1@100", "1/0@100"]);
  });

  const worked: [number, number, string, number][] = [
    [2, 25, "25:1/2 50:1/1 75:2/1 100:2/0", 3],
    [2, 34, "34:1/2 68:2/1 100:2/0", 3],
    [3, 10, "10:1/3 20:1/3 30:1/3 40:2/2 50:2/2 60:2/2 70:3/1 80:3/1 90:3/1 100:3/0", 4],
    [3, 34, "34:2/2 68:3/1 100:3/0", 5],
    [4, 25, "25:1/3 50:2/2 75:3/1 100:4/0", 5],
    [4, 34, "34:2/3 68:3/2 100:4/0", 6],
    [4, 10, "10:1/4 20:1/4 30:2/3 40:2/3 50:2/2 60:3/2 70:3/2 80:4/1 90:4/1 100:4/0", 5],
    [7, 10, "10:1/7 20:2/6 30:3/5 40:3/5 50:4/4 60:5/3 70:5/3 80:6/2 90:7/1 100:7/0", 8],
    [7, 34, "34:3/5 68:5/3 100:7/0", 10],
    [7, 50, "50:4/4 100:7/0", 11],
    [10, 25, "25:3/8 50:5/5 75:8/3 100:10/0", 13],
    [10, 34, "34:4/7 68:7/4 100:10/0", 14],
    [100, 34, "34:34/66 68:68/32 100:100/0", 134],
    [100, 100, "100:100/0", 200],
  ];
  for (const [replicas, surge, states, most] of worked) {
    it(`settles ${replicas} replicas at ${surge} percent as the worked table, with a peak of ${most}`, () => {
      assert.equal(settled(replicas, surge), states);
      assert.equal(peak(replicas, surge), most);
    });
  }

  it("brings a new pool fully up before the first shift and takes a leaving one down after the last", () => {
    const pools = [
      { name: "old", from: 3, to: 0 },
      { name: "new", from: 0, to: 5 },
      { name: "same", from: 4, to: 4 },
    ];
    const { states } = planSurge({ pools, maxSurgePercent: 25 });
    const firstShift = states.findIndex(({ weights }) => weights.canary > 0);
    assert.equal(states[firstShift]!.pools["new"]!.canary, 5);
    for (const { weights, pools: counts } of states) if (weights.primary > 0) assert.equal(counts["old"]!.primary, 3);
  });

  it("refuses a surge outside 1..100 and counts that are no whole numbers", () => {
    const pools = [{ name: "p", from: 4, to: 4 }];
    for (const maxSurgePercent of [0, 101, 2.5, Number.NaN]) {
      assert.throws(() => planSurge({ pools, maxSurgePercent }), /whole number from 1 to 100/);
    }
    assert.throws(() => planSurge({ pools: [{ name: "p", from: -1, to: 4 }], maxSurgePercent: 25 }), /at least 0/);
  });
});
