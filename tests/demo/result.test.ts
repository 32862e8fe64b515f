import assert from "node:assert/strict";
import { broken, table, type DemoResult } from "./result";

describe("the demo's result", () => {
  const result: DemoResult = {
    requests: 30_000,
    failed: 0,
    streamsCut: 0,
    streamsCutByKill: 3,
    peakReplicas: 5,
    cap: 5,
    rolloutSeconds: 44,
    criticalPathSeconds: 40,
    leftovers: 0,
  };

  it("shows the least ready capacity to whoever looks, beside what was promised", () => {
    assert.match(table({ result, readyMin: 4 }), /ready at least +│ 4 /);
    assert.match(table({ result, readyMin: null }), /ready at least +│ - /);
    assert.match(table({ result, readyMin: 4 }), /44\.0 s \(1\.10 x critical path\)/);
  });

  it("is as promised only without failures, cuts, leftovers and replicas above the cap", () => {
    assert.deepEqual(broken(result), []);
    const worse = { ...result, failed: 1, streamsCut: 2, leftovers: 3, peakReplicas: 6 };
    assert.deepEqual(broken(worse), [
      "1 requests failed",
      "2 responses were cut",
      "3 things were left over after destroy",
      "6 replicas ran at once, 5 are allowed",
    ]);
    assert.deepEqual(broken({ ...result, requests: 0 }), ["no request was made"]);
  });
});
