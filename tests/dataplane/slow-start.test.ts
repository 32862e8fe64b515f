import assert from "node:assert/strict";
import { joinedAfter, SlowStart, weighedAt, type Joined } from "../../provider/dataplane/slow-start";
import type { DesiredReplica, DesiredRouting, DesiredVersion } from "../../provider/core/routing";
import type { BalancerSpec } from "../../provider/core/spec/pool";
import { balancer, CANARY, primaryOnly, PRIMARY, route, routing, version } from "./support/routing";

const SECONDS = 10;
const NOBODY: Joined = new Map();
const [a, b, c] = ["a", "b", "c"].map((id, at) => ({ id, host: "127.0.0.1", port: 9000 + at })) as [
  DesiredReplica,
  DesiredReplica,
  DesiredReplica,
];

function serving(replicas: DesiredReplica[], change: Partial<BalancerSpec> = {}): DesiredRouting {
  return primaryOnly(replicas, { slowStartSeconds: SECONDS, ...change });
}

function both(primary: DesiredVersion, canary: DesiredVersion | null): DesiredRouting {
  return routing([route({ primary, canary })], { balancer: balancer({ slowStartSeconds: SECONDS }) });
}

function weightsOf(desired: DesiredRouting): number[] {
  const { primary, canary } = desired.routes[0]!;
  return [primary, canary].flatMap(
    (of) => of?.replicas.map(({ weight = 1 }) => Math.round(weight * 1000) / 1000) ?? [],
  );
}

/** The weights after `later` was put in force at 0 ms behind the others, at `now`. */
function weightsAfter(routings: readonly DesiredRouting[], now: number): number[] {
  const slowStart = new SlowStart();
  for (const desired of routings) slowStart.put(desired, 0);
  return weightsOf(slowStart.step(now) ?? routings.at(-1)!);
}

describe("slow start", () => {
  it("gives a replica that joins others a tenth at first, all of it after its time, and in between what of it has passed", () => {
    const routings = [serving([a, b]), serving([a, b, c])];
    const over = [0, 2500, 5000, 10_000].map((now) => weightsAfter(routings, now)[2]);
    assert.deepEqual(over, [0.1, 0.325, 0.55, 1]);
    assert.deepEqual(weightsAfter(routings, 0).slice(0, 2), [1, 1]);
  });

  it("is over for an engine when nobody ramps any more, and then says so once more", () => {
    const slowStart = new SlowStart();
    slowStart.put(serving([a]), 0);
    assert.equal(slowStart.step(0), null, "nobody has joined");
    slowStart.put(serving([a, b]), 0);
    assert.deepEqual(weightsOf(slowStart.step(10_000)!), [1, 1]);
    assert.equal(slowStart.step(10_100), null);
  });

  it("slows nobody when it is off, however that is said", () => {
    for (const slowStartSeconds of [undefined, 0]) {
      const joined = joinedAfter(NOBODY, serving([a], { slowStartSeconds }), serving([a, b], { slowStartSeconds }), 0);
      assert.equal(joined.size, 0);
    }
  });

  it("slows nobody of the first routing that an engine puts in force, nor of the same one once more", () => {
    assert.deepEqual(weightsAfter([serving([a, b])], 0), [1, 1]);
    assert.deepEqual(weightsAfter([serving([a, b]), serving([a, b])], 0), [1, 1]);
  });

  it("slows none of a version's first replicas, also where another version serves, or it had none just before", () => {
    const canary = [both(version(9, [a]), null), both(version(9, [a]), version(1, [b, c], CANARY))];
    assert.deepEqual(weightsAfter(canary, 0), [1, 1, 1]);
    assert.deepEqual(weightsAfter([serving([a]), serving([]), serving([a, b])], 0), [1, 1]);
  });

  it("goes by the version and not by its role: a promotion is no joining", () => {
    const before = both(version(1, [a]), version(1, [b], CANARY));
    assert.deepEqual(weightsAfter([before, both(version(1, [b], CANARY), null)], 0), [1]);
    assert.deepEqual(weightsAfter([before, both(version(1, [b, c], CANARY), null)], 0), [1, 0.1]);
  });

  it("goes on where it was when others come and go, and begins anew for one that comes back or is elsewhere", () => {
    const slowStart = new SlowStart();
    slowStart.put(serving([a]), 0);
    slowStart.put(serving([a, b]), 0);
    assert.deepEqual(weightsOf(slowStart.put(serving([a, b, c]), 5000)), [1, 0.55, 0.1]);
    assert.deepEqual(weightsOf(slowStart.put(serving([a, c]), 10_000)), [1, 0.55]);
    assert.deepEqual(weightsOf(slowStart.put(serving([a, b, { ...c, port: 9999 }]), 10_000)), [1, 0.1, 0.1]);
  });

  it("leaves those who ramp together alike, by what they have against each other when all do", () => {
    assert.deepEqual(weightsAfter([serving([a]), serving([b, c])], 0), [1, 1]);
    const joined = new Map([
      [`pool ${PRIMARY} b 127.0.0.1 9001`, 0],
      [`pool ${PRIMARY} c 127.0.0.1 9002`, 5000],
    ]);
    assert.deepEqual(weightsOf(weighedAt(serving([b, c]), joined, 5000)), [1, 0.182]);
  });

  it("takes its part of what a replica carries with least load, and of its turns, which are alike, with roundRobin", () => {
    const [strong, weak] = [
      { ...a, weight: 4 },
      { ...b, weight: 2 },
    ];
    const weights = (policy: BalancerSpec["policy"]): number[] =>
      weightsAfter([serving([strong], { policy }), serving([strong, weak], { policy })], 0);
    assert.deepEqual(weights("leastLoad"), [1, 0.05]);
    assert.deepEqual(weights("roundRobin"), [1, 0.1]);
  });

  it("takes a change of its time at once", () => {
    const slowStart = new SlowStart();
    slowStart.put(serving([a]), 0);
    slowStart.put(serving([a, b]), 0);
    assert.deepEqual(weightsOf(slowStart.put(serving([a, b], { slowStartSeconds: 100 }), 5000)), [1, 0.145]);
    assert.deepEqual(weightsOf(slowStart.put(serving([a, b], { slowStartSeconds: 1 }), 5000)), [1, 1]);
  });
});
