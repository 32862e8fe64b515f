import assert from "node:assert/strict";
import type { Price } from "../../../provider/core/cost/price";
import { rateOf, type ZoneFleet } from "../../../provider/core/cost/rate";

const PRICES: Price[] = [
  { zone: "a", market: "onDemand", dollarsPerHour: 1 },
  { zone: "a", market: "spot", dollarsPerHour: 0.25 },
  { zone: "b", market: "onDemand", dollarsPerHour: 2 },
  { zone: "b", market: "spot", dollarsPerHour: 0.5 },
];

function rate(zones: Record<string, Partial<ZoneFleet>>, wanted: number, spot: { overprovision: number } | null) {
  const fleet = Object.entries(zones).map(
    ([zone, counts]) => [zone, { spot: 0, onDemand: 0, fallback: 0, ...counts }] as const,
  );
  return rateOf({ zones: new Map(fleet), wanted, spot }, PRICES);
}

describe("what a fleet costs an hour", () => {
  const spot = { overprovision: 0 };

  it("is each VM's price in its zone and market", () => {
    const { dollars } = rate({ a: { spot: 2, onDemand: 1 }, b: { spot: 1, fallback: 1 } }, 5, spot);
    assert.deepEqual([dollars.spot, dollars.onDemand, dollars.fallback], [1, 1, 2]);
  });

  it("is what all on-demand costs, to the cent, where there is no spot: saved is 0 also while VMs drain", () => {
    const { dollars } = rate({ a: { onDemand: 3 }, b: { onDemand: 2 } }, 4, null);
    assert.deepEqual(dollars, { spot: 0, onDemand: 7, fallback: 0, allOnDemand: 7 });
  });

  // The seed's example: target 2, by the hour that each state would last.
  const examples: [string, Partial<ZoneFleet>, number][] = [
    ["2 spot start, 2 on-demand stand in", { spot: 2, fallback: 2 }, 2],
    ["2 spot are ready", { spot: 2 }, 2],
    ["1 spot was lost, one of each starts", { spot: 2, fallback: 1 }, 2],
    ["no spot is to be had, on-demand stands in", { fallback: 2 }, 2],
    ["nothing is to be had", {}, 2],
    ["a rollout drains one more", { spot: 3 }, 3],
  ];
  for (const [what, counts, vms] of examples) {
    it(`is measured against ${vms} on-demand VMs in the cheapest zone when ${what}`, () => {
      assert.equal(rate({ a: counts }, 2, spot).dollars.allOnDemand, vms * 1);
      assert.equal(rate({ b: counts }, 2, spot).dollars.allOnDemand, vms * 1);
    });
  }

  it("is measured without the spare replicas that only spot needs", () => {
    assert.equal(rate({ a: { spot: 3 } }, 2, { overprovision: 1 }).dollars.allOnDemand, 2);
  });

  it("says how many VMs have no price, and leaves them out", () => {
    const { dollars, unpriced } = rate({ a: { spot: 1 }, mars: { spot: 2, onDemand: 1 } }, 4, spot);
    assert.deepEqual([unpriced, dollars.spot, dollars.onDemand], [3, 0.25, 0]);
  });
});
