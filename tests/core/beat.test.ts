import assert from "node:assert/strict";
import * as fc from "fast-check";
import { toBeat } from "../../provider/core/beat";

describe("the beat of what is done again and again", () => {
  const moments = (wait: number, crowd: number) =>
    [0, 130, 260, 400, 777, 999].map((now) => now + toBeat(now, wait, crowd));

  it("is the full second for what has a second or more to wait, so that one waking does it all", () => {
    for (const at of moments(2_000, 10)) assert.equal(at % 1_000, 0);
  });

  it("is spread over the second for a crowd, and finer for what is to be sooner", () => {
    for (const at of [...moments(2_000, 51), ...moments(500, 1)]) assert.equal(at % 250, 0);
    assert.ok(moments(2_000, 51).some((at) => at % 1_000 !== 0));
  });

  it("holds: nothing comes more than half a beat sooner or later than it asked, and never at once", () => {
    const any = fc.tuple(fc.nat(10_000_000), fc.nat(120_000), fc.nat(100));
    fc.assert(
      fc.property(any, ([now, wait, crowd]) => {
        const moved = toBeat(now, wait, crowd);
        if (wait < 250) return assert.equal(moved, wait);
        assert.ok(moved > 0 && Math.abs(moved - wait) <= (wait < 1_000 ? 125 : 500));
      }),
    );
  });
});
