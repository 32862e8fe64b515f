import assert from "node:assert/strict";
import { pricesFor, pricesForAny, type Price } from "../../../provider/core/cost/price";

const price = (zone: string, dollarsPerHour: number, shape?: string): Price => ({
  zone,
  market: "onDemand",
  dollarsPerHour,
  ...(shape !== undefined && { shape }),
});
/** Zone a tells machines apart, zone b has any. */
const PRICES = [price("a", 1), price("a", 2, "A10G:1"), price("a", 5, "H100:1"), price("b", 3)];
const dollars = (prices: readonly Price[]) => prices.map(({ dollarsPerHour }) => dollarsPerHour);

describe("prices of machines", () => {
  it("are those of their shape, and of a zone that tells none apart its one", () => {
    assert.deepEqual(dollars(pricesFor(PRICES, "A10G:1")), [2, 3]);
    assert.deepEqual(dollars(pricesFor(PRICES, "L4:1")), [3], "zone a has none of it");
    assert.deepEqual(dollars(pricesFor(PRICES, null)), [1, 3], "without accelerators");
  });

  it("of any of several shapes count once where a zone tells none apart", () => {
    assert.deepEqual(dollars(pricesForAny(PRICES, ["A10G:1", "H100:1"])), [2, 3, 5]);
  });
});
