import assert from "node:assert/strict";
import fc from "fast-check";
import { judgeMetrics, percentile, type MetricGate } from "../../../provider/core/gate/judge";
import { VERSION_BOUNDS_MS, type VersionMetrics } from "../../../provider/core/observed";
import { histogramOf, metrics } from "./metrics";

describe("a gate on what the balancer counted", () => {
  const errorRate = (more: Partial<Extract<MetricGate, { kind: "errorRate" }>> = {}): MetricGate => ({
    kind: "errorRate",
    maxPercent: 1,
    maxAbovePrimary: null,
    minRequests: 100,
    ...more,
  });
  const p95 = (more: Partial<Extract<MetricGate, { kind: "p95" | "firstByteP95" }>> = {}): MetricGate => ({
    kind: "p95",
    maxMilliseconds: null,
    maxTimesPrimary: 1.5,
    minRequests: 100,
    ...more,
  });
  const compared = errorRate({ maxPercent: null, maxAbovePrimary: 2 });

  const table: [string, MetricGate, VersionMetrics, VersionMetrics | null, string | RegExp][] = [
    ["passes below its limit", errorRate(), metrics(200, { errors: 1 }), null, "passed"],
    ["passes exactly at its limit", errorRate(), metrics(200, { errors: 2 }), null, "passed"],
    [
      "fails above its limit",
      errorRate(),
      metrics(230, { errors: 12 }),
      null,
      "failed: the canary failed 5.22 % of 230 requests, at most 1 % is allowed",
    ],
    [
      "counts what other replicas made good",
      errorRate(),
      metrics(0, { failedTries: 120 }),
      null,
      "failed: the canary failed 100 % of 120 requests (120 of them were answered by other replicas, so that no client saw it), at most 1 % is allowed",
    ],
    [
      "lets a primary that lost as many tries excuse the canary",
      compared,
      metrics(90, { failedTries: 10 }),
      metrics(900, { failedTries: 100 }),
      "passed",
    ],
    [
      "waits for its sample",
      errorRate(),
      metrics(12, { errors: 12 }),
      null,
      "inconclusive: only 12 of 100 requests of the canary seen",
    ],
    ["asks for one request at least", errorRate({ minRequests: 0 }), metrics(0), null, /only 0 of 1 requests/],
    [
      "passes when both versions fail alike",
      compared,
      metrics(100, { errors: 10 }),
      metrics(900, { errors: 90 }),
      "passed",
    ],
    [
      "fails too far above the primary",
      compared,
      metrics(100, { errors: 5 }),
      metrics(900, { errors: 9 }),
      "failed: the canary failed 5 % of 100 requests, 4 points above the primary's 1 %; at most 2 above is allowed",
    ],
    [
      "waits for the primary's sample too when it compares",
      compared,
      metrics(100),
      metrics(99),
      "inconclusive: only 99 of 100 requests of the primary seen",
    ],
    [
      "fails by its limit although the primary's sample is missing",
      errorRate({ maxAbovePrimary: 2 }),
      metrics(100, { errors: 50 }),
      metrics(0),
      /^failed: the canary failed 50 %/,
    ],
    ["does not look at the primary when it need not", errorRate(), metrics(100), metrics(0), "passed"],
    ["compares nothing in a pool that has no primary", compared, metrics(100, { errors: 50 }), null, "passed"],
    [
      "passes within so many times the primary's p95",
      p95(),
      metrics(100, { milliseconds: 120 }),
      metrics(100, { milliseconds: 100 }),
      "passed",
    ],
    [
      "fails beyond so many times the primary's p95",
      p95(),
      metrics(100, { milliseconds: 800 }),
      metrics(100, { milliseconds: 100 }),
      /^failed: the canary's p95 latency is \d+ ms over 100 requests, [\d.]+ times the primary's [\d.]+ ms; at most 1.5 times is allowed$/,
    ],
    [
      "fails beyond a number of milliseconds",
      p95({ maxMilliseconds: 500, maxTimesPrimary: null }),
      metrics(100, { milliseconds: 800 }),
      null,
      /^failed: the canary's p95 latency is \d+ ms over 100 requests, at most 500 ms is allowed$/,
    ],
    [
      "looks at the first bytes when it is told to",
      p95({ kind: "firstByteP95", maxMilliseconds: 500 }),
      { ...metrics(100, { milliseconds: 10_000 }), timeToFirstByte: histogramOf({ 90: 100 }) },
      metrics(100, { milliseconds: 100 }),
      "passed",
    ],
    [
      "takes only those that had a first byte for its sample",
      p95({ kind: "firstByteP95", maxMilliseconds: 500 }),
      { ...metrics(100), timeToFirstByte: histogramOf({ 90: 40 }) },
      null,
      "inconclusive: only 40 of 100 requests of the canary seen",
    ],
  ];
  for (const [does, gate, canary, primary, expected] of table) {
    it(`${does} (${gate.kind})`, () => {
      const judged = judgeMetrics(gate, { canary, primary });
      const said = judged.kind === "passed" ? "passed" : `${judged.kind}: ${judged.reason}`;
      if (typeof expected === "string") assert.equal(said, expected);
      else assert.match(said, expected);
    });
  }

  it("finds every percentile within 25 % of the true one", () => {
    const readings = fc.array(fc.integer({ min: 2, max: 200_000 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(readings, fc.constantFrom(50, 95, 99), (all, percent) => {
        const sorted = [...all].sort((a, b) => a - b);
        const exact = sorted[Math.ceil((sorted.length * percent) / 100) - 1]!;
        const histogram = histogramOf({});
        for (const each of all) histogramOf({ [each]: 1 }).forEach((one, bucket) => (histogram[bucket]! += one));
        const found = percentile(histogram, percent)!;
        assert.ok(found <= exact * 1.26 && found >= exact / 1.26, `${found} for ${exact}`);
      }),
    );
  });

  it("knows no percentile of nothing, and none above its last bound", () => {
    assert.equal(percentile(histogramOf({}), 95), null);
    assert.equal(percentile(histogramOf({ 9_999_999: 3 }), 95), VERSION_BOUNDS_MS.at(-1));
  });
});
