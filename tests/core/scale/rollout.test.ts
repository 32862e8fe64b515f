import assert from "node:assert/strict";
import { scalingNotes } from "../../../provider/core/plan/notes";
import { planSurge } from "../../../provider/core/plan/surge";
import { canaryBounds, sameCapacity } from "../../../provider/core/scale/rollout";
import { factsOf } from "../../../provider/core/spec/facts";
import { poolSpec } from "../../simulation/intents";
import { scaling } from "../scaling";
import { surge } from "../strategies";

/** The worked example of the notes on rollouts, 2.4: min 2, max 10, initial 4, S = 25. */
describe("an autoscaled pool in a surge rollout", () => {
  const bounds = scaling({ min: 2, max: 10, initial: 4 });
  const settled = (from: number, to: number) =>
    planSurge({ pools: [{ name: "p", from, to }], maxSurgePercent: 25 })
      .states.filter((state) => state.settled)
      .map(({ pools }) => pools["p"]!);

  it("has a canary between its share of the initial number and of the maximum, however little load there is", () => {
    const { min, max } = canaryBounds(bounds);
    assert.deepEqual(
      settled(4, min).map(({ canary }) => canary),
      [1, 2, 3, 4],
    );
    assert.deepEqual(
      settled(4, max).map(({ canary }) => canary),
      [3, 5, 8, 10],
    );
  });

  it("is told so in preview", () => {
    const pool = factsOf(poolSpec("p", "b", 4, { scaling: bounds }));
    const [note] = scalingNotes(surge(25), [{ pool, from: { ...pool, replicas: 2 } }]);
    assert.match(note!, /at P % its canary has from P % of 4 to P % of 10 replicas, rounded up/);
  });

  it("has a primary between its share of both of its own bounds", () => {
    const primaries = (replicas: number) =>
      settled(replicas, 4)
        .slice(0, 3)
        .map(({ primary }) => primary);
    assert.deepEqual(primaries(bounds.min), [2, 1, 1]);
    assert.deepEqual(primaries(bounds.max), [8, 5, 3]);
  });
});

describe("the size of what serves, in replicas of another capacity weight", () => {
  it("has the same capacity at every bound, and gives each replica its part of the load", () => {
    const serving = poolSpec("p", "a", 3, {
      capacityWeight: 4,
      scaling: scaling({ min: 1, max: 5, targetQpsPerReplica: 8 }),
    });
    const { replicas, scaling: bounds } = sameCapacity(serving, poolSpec("p", "b", 1));
    assert.equal(replicas, 12);
    assert.deepEqual(bounds, scaling({ min: 4, max: 20, initial: 4, targetQpsPerReplica: 2 }));
    assert.deepEqual(sameCapacity(serving, serving), { replicas: 3, scaling: serving.scaling });
  });
});
