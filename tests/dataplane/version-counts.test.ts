import assert from "node:assert/strict";
import { VERSION_BOUNDS_MS } from "../../provider/core/observed";
import { countFirstByte, countRequest, VersionCounts } from "../../provider/dataplane/version-counts";
import { route, version } from "./support/routing";

const HOUR = 60 * 60 * 1000;

describe("the version counts of the embedded data plane", () => {
  it("put each time into the first bucket whose bound it does not exceed", () => {
    const counts = new VersionCounts().of("pool", "a");
    const times = [0, 1, 1.001, 1.25, 100, 213_000, 999_999_999];
    for (const time of times) countRequest(counts, "answered", time);
    for (const time of times) countFirstByte(counts, time);
    const expected = new Array<number>(VERSION_BOUNDS_MS.length + 1).fill(0);
    for (const time of times) {
      const bucket = VERSION_BOUNDS_MS.findIndex((bound) => time <= bound);
      expected[bucket === -1 ? VERSION_BOUNDS_MS.length : bucket]! += 1;
    }
    assert.deepEqual(counts.latency, expected);
    assert.deepEqual(counts.timeToFirstByte, expected);
    assert.deepEqual([counts.requests, counts.errors], [times.length, 0]);
  });

  it("forget a version an hour after it left the routing, and not one that is routed", () => {
    const counts = new VersionCounts();
    for (const revision of ["a", "b"]) countRequest(counts.of("pool", revision), "failed", 1);
    counts.set([route({ primary: version(1, [], "b") })], 0);
    counts.set([route({ primary: version(1, [], "b") })], HOUR);
    assert.deepEqual(Object.keys(counts.report()["pool"]!), ["a", "b"]);
    counts.set([route({ primary: version(1, [], "b") })], HOUR + 1);
    assert.deepEqual(Object.keys(counts.report()["pool"]!), ["b"]);
  });

  it("count the hour anew for a version that came back", () => {
    const counts = new VersionCounts();
    counts.of("pool", "a");
    counts.set([], 0);
    counts.set([route({ canary: version(1, [], "a") })], HOUR);
    counts.set([], HOUR + 1);
    counts.set([], 2 * HOUR);
    assert.deepEqual(Object.keys(counts.report()["pool"]!), ["a"]);
    counts.set([], 2 * HOUR + 2);
    assert.deepEqual(counts.report(), {});
  });

  it("hold a bounded number of versions, however fast they follow each other", () => {
    const counts = new VersionCounts();
    for (let number = 0; number < 1000; number += 1) {
      counts.of("pool", `r${number}`);
      counts.set([route({ primary: version(1, [], `r${number}`) })], number);
    }
    const kept = Object.keys(counts.report()["pool"]!);
    assert.equal(kept.length, 21);
    assert.ok(kept.includes("r999") && kept.includes("r979") && !kept.includes("r978"));
  });

  it("take over what another process has counted since it told last, and all of it when that began anew", () => {
    const [counts, other] = [new VersionCounts(), new VersionCounts()];
    const count = (): void => {
      countRequest(other.of("pool", "a"), "failed", 5);
      countFirstByte(other.of("pool", "a"), 5);
    };
    count();
    const first = other.report();
    counts.add(first, {});
    count();
    counts.add(other.report(), first);
    assert.deepEqual(counts.report(), other.report());
    counts.add(first, other.report());
    assert.equal(counts.report()["pool"]!["a"]!.requests, 3);
  });
});
