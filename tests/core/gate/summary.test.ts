import assert from "node:assert/strict";
import { versionSummary } from "../../../provider/core/gate/summary";
import { metrics } from "./metrics";

describe("the summary of a version's numbers", () => {
  it("says its requests, how many percent failed, and how long most took", () => {
    const { p95Milliseconds, firstByteP95Milliseconds, ...counts } = versionSummary(
      metrics(400, { errors: 3, milliseconds: 100 }),
    );
    assert.deepEqual(counts, { requests: 400, errorPercent: 0.75 });
    for (const milliseconds of [p95Milliseconds, firstByteP95Milliseconds]) {
      assert.ok(milliseconds! > 80 && milliseconds! < 125, String(milliseconds));
    }
  });

  it("knows nothing of a version without requests", () => {
    assert.deepEqual(versionSummary(metrics(0)), {
      requests: 0,
      errorPercent: null,
      p95Milliseconds: null,
      firstByteP95Milliseconds: null,
    });
  });
});
