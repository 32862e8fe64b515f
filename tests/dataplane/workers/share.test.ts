import assert from "node:assert/strict";
import { shareOf, workersOf } from "../../../provider/dataplane/embedded/workers/share";
import { balancer, primaryOnly } from "../support/routing";

describe("what one of several workers gets", () => {
  const shares = (change: Parameters<typeof balancer>[0], of: number) =>
    Array.from({ length: of }, (_, place) => shareOf(primaryOnly([], change), place, of).balancer);
  const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);

  it("is a part of each limit, and all of them together are the limit", () => {
    for (const of of [2, 3, 7, 64]) {
      const parts = shares({ maxInFlightPerReplica: 256, maxQueue: 1000, limits: { maxConnections: 700 } }, of);
      assert.equal(sum(parts.map(({ limits }) => limits!.maxConnections!)), 700);
      assert.equal(sum(parts.map(({ maxInFlightPerReplica }) => maxInFlightPerReplica)), 256);
      assert.equal(sum(parts.map(({ maxQueue }) => maxQueue)), 1000);
    }
  });

  it("is one request at a replica at least, where more are there for a moment than may be", () => {
    const parts = shares({ maxInFlightPerReplica: 2, maxQueue: 0 }, 3);
    assert.deepEqual(
      parts.map(({ maxInFlightPerReplica, maxQueue }) => [maxInFlightPerReplica, maxQueue]),
      [
        [1, 0],
        [1, 0],
        [1, 0],
      ],
    );
  });

  it("is a part of the gap that a key bears, as each sees a part of the load", () => {
    const [held] = shares({ affinity: { prefixBytes: 64 } }, 4);
    assert.deepEqual(held!.affinity, { prefixBytes: 64, maxLoadGap: 16 });
    const [session] = shares({ affinity: { header: "x" } }, 4);
    assert.deepEqual(session!.affinity, { header: "x" });
  });

  it("is everything else as it is", () => {
    const { workers, ...whole } = balancer({ workers: 2, tokens: ["sha256:00"] });
    assert.equal(workers, 2);
    const [part] = shares({ workers: 2, tokens: ["sha256:00"] }, 2);
    assert.deepEqual(part, { ...whole, maxInFlightPerReplica: 128, maxQueue: 50 });
  });

  it("makes fewer workers of more than can have a part, and one of none", () => {
    assert.equal(workersOf(balancer()), 1);
    assert.equal(workersOf(balancer({ workers: 8 })), 8);
    assert.equal(workersOf(balancer({ workers: 8, maxInFlightPerReplica: 3 })), 3);
    assert.equal(workersOf(balancer({ workers: 8, maxQueue: 2 })), 2);
    assert.equal(workersOf(balancer({ workers: 8, maxQueue: 0 })), 8);
    assert.equal(workersOf(balancer({ workers: 8, limits: { maxConnections: 1 } })), 1);
  });
});
