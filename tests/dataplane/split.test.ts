import assert from "node:assert/strict";
import fc from "fast-check";
import { Split } from "../../provider/dataplane/embedded/split";

const weight = fc.integer({ min: 0, max: 300 });

describe("the split counter", () => {
  it("gives the canary exactly its weight in every aligned window, for any weights", () => {
    fc.assert(
      fc.property(weight, weight, fc.integer({ min: 1, max: 3 }), (canary, primary, windows) => {
        fc.pre(canary + primary > 0);
        const split = new Split();
        split.set({ canary, primary });
        for (let window = 0; window < windows; window += 1) {
          let hits = 0;
          for (let tick = 0; tick < canary + primary; tick += 1) {
            if (split.peek() === "canary") hits += 1;
            split.tick();
          }
          assert.equal(hits, canary);
        }
      }),
    );
  });

  it("keeps every stretch near its share, so that nobody gets a burst", () => {
    for (const [canary, primary] of [
      [25, 75],
      [50, 50],
      [33, 67],
      [10, 90],
    ] as const) {
      const split = new Split();
      split.set({ canary, primary });
      let hits = 0;
      for (let tick = 1; tick <= 100; tick += 1) {
        if (split.peek() === "canary") hits += 1;
        split.tick();
        assert.ok(Math.abs(hits - (tick * canary) / 100) <= 3, `${canary}:${primary} at ${tick}: ${hits}`);
      }
    }
  });

  it("gives nobody a turn when both weights are 0", () => {
    const split = new Split();
    split.set({ canary: 0, primary: 0 });
    split.tick();
    assert.equal(split.peek(), null);
  });
});
