import assert from "node:assert/strict";
import * as fc from "fast-check";
import { MinCostFlow } from "../../../provider/core/simulate/min-cost-flow";
import { omniscientCost } from "../../../provider/core/simulate/omniscient";
import { ownPolicy } from "../../../provider/core/simulate/own-policy";
import { evenSpread, roundRobin, spotHedge } from "../../../provider/core/simulate/published";
import { frontier } from "../../../provider/core/simulate/frontier";
import { run, type Run, type Setting } from "../../../provider/core/simulate/run";
import { traceSet } from "../../../provider/core/simulate/trace-set";
import { SPOT_DEFAULTS } from "../../../provider/core/spot/spec";

const prices = { spot: 0.3, onDemand: 1 };

function setting(replicas: number, zones: number[][], coldStartSeconds = 180): Setting {
  const files = zones.map((data, index) => ({
    name: `zone-${index + 1}${"abc"[index]}_gpu.json`,
    text: JSON.stringify({ metadata: { gap_seconds: 300 }, data }),
  }));
  const traces = traceSet("traces", files);
  return { traces, wanted: Array.from({ length: traces.ticks }, () => replicas), prices, coldStartSeconds };
}

describe("the policy simulator", () => {
  it("bills from launch to end and counts the cold start as not ready", () => {
    const { availability, dollars, launches } = run(
      ownPolicy("own", SPOT_DEFAULTS, prices),
      setting(2, [[2, 2, 2, 2]]),
    );
    assert.equal(availability, 1 - 180 / 1200);
    assert.ok(Math.abs(dollars - (2 * 0.3) / 3) < 1e-9);
    assert.deepEqual(launches, { spot: 2, onDemand: 0, refused: 0 });
  });

  it("lets on-demand stand in where no zone has spot, at its price", () => {
    const { dollars, fallbackDollars } = run(ownPolicy("own", SPOT_DEFAULTS, prices), setting(2, [[0, 0, 0, 0]]));
    assert.ok(Math.abs(dollars - 2 / 3) < 1e-9);
    assert.equal(fallbackDollars, dollars);
  });

  it("counts each loss that nobody covers as a gap of one cold start", () => {
    const { gaps, meanGapSeconds } = run(spotHedge(0), setting(2, [[4, 4, 0, 4, 4, 4]]));
    assert.deepEqual({ gaps, meanGapSeconds }, { gaps: 2, meanGapSeconds: 180 });
  });

  it("has on its frontier whoever no other one beats", () => {
    const named = (policy: string, dollars: number, availability: number) =>
      ({ policy, dollars, availability }) as unknown as Run;
    const runs = [named("dear", 3, 0.9), named("cheap", 1, 0.8), named("beaten", 2, 0.8), named("best", 2, 0.9)];
    assert.deepEqual(
      frontier(runs).map(({ policy }) => policy),
      ["cheap", "best"],
    );
  });

  it("follows a load that changes", () => {
    const changing = { ...setting(1, [[4, 4, 4, 4]]), wanted: [1, 3, 3, 1] };
    const { samples } = run(ownPolicy("own", SPOT_DEFAULTS, prices), changing);
    assert.deepEqual(samples.at(-1), { at: 900_000, readySpot: 1, readyOnDemand: 0, wanted: 1 });
    assert.equal(Math.max(...samples.map(({ readySpot }) => readySpot)), 3);
  });

  describe("the least that any policy can pay", () => {
    it("is spot all the time where one zone never fails", () => {
      const cost = omniscientCost(setting(2, [[2, 2, 2, 2]]));
      assert.ok(Math.abs(cost - (2 * 0.3 * 1200) / 3600) < 1e-9);
    });

    it("pays the next place's cold start at a loss, and on-demand where nothing else is", () => {
      const moved = omniscientCost(
        setting(1, [
          [1, 1, 0, 0],
          [0, 0, 1, 1],
        ]),
      );
      assert.ok(Math.abs(moved - (0.3 * (1200 + 180)) / 3600) < 1e-9);
      const stoodIn = omniscientCost(setting(1, [[1, 1, 0, 0]]));
      assert.ok(Math.abs(stoodIn - (0.3 * 600 + 780) / 3600) < 1e-9);
    });

    it("holds: no policy that is ready all the time but for its first cold start pays less", () => {
      const zone = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 12, maxLength: 12 });
      fc.assert(
        fc.property(
          fc.array(zone, { minLength: 1, maxLength: 3 }),
          fc.integer({ min: 1, max: 3 }),
          (zones, replicas) => {
            const given = setting(replicas, zones);
            const least = omniscientCost(given);
            const policies = [ownPolicy("own", SPOT_DEFAULTS, prices), spotHedge(1), roundRobin(0), evenSpread(0)];
            for (const result of policies.map((policy) => run(policy, given))) {
              const ready = 1 - 180 / 3600;
              if (result.availability >= ready - 1e-9) assert.ok(result.dollars >= least - 1e-9);
            }
          },
        ),
        { numRuns: 12 },
      );
    });

    it("comes from a flow that prefers the cheap way and takes the dear one only for what does not fit", () => {
      const flow = new MinCostFlow(4);
      flow.edge(0, 1, 1, 1);
      flow.edge(0, 2, 2, 3);
      flow.edge(1, 3, 2, 0);
      flow.edge(2, 3, 2, 0);
      flow.edge(1, 2, 1, 0);
      assert.equal(flow.cost(0, 3, 3), 7);
      assert.equal(new MinCostFlow(2).cost(0, 1, 1), Infinity);
    });
  });
});
