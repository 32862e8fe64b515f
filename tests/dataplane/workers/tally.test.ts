import assert from "node:assert/strict";
import type { DataPlaneReport } from "../../../provider/ports/dataplane";
import { Tally } from "../../../provider/dataplane/embedded/workers/tally";
import { emptyMetrics } from "../../../provider/dataplane/metrics";
import { CANARY, PRIMARY, primaryOnly, route, routing, version } from "../support/routing";

const REPLICA = { id: "one", host: "127.0.0.1", port: 1 };

function told(requests: number, inFlight: number, healthy = true): DataPlaneReport {
  return {
    generation: 1,
    pid: 1,
    startedAt: 0,
    endpoint: null,
    versions: {},
    replicas: { one: { inFlight, queued: 0, healthy } },
    metrics: { one: { ...emptyMetrics(), attempts: requests } },
    routes: { "/": { queued: inFlight, rejected: 0, firstAttempts: { primary: requests, canary: 0 } } },
    pools: { pool: { arrivals: requests, inFlight, queued: inFlight } },
  };
}

describe("the tally of several workers", () => {
  it("sums what each tells, and takes down whom one of them has found to be down", () => {
    const tally = new Tally();
    assert.equal(tally.sum([]), null);
    tally.set(primaryOnly([REPLICA]));
    const { replicas, metrics, routes, pools } = tally.sum([told(5, 2), told(7, 1, false)])!;
    assert.deepEqual(replicas["one"], { inFlight: 3, queued: 0, healthy: false });
    assert.equal(metrics["one"]!.attempts, 12);
    assert.deepEqual(routes["/"], { queued: 3, rejected: 0, firstAttempts: { primary: 12, canary: 0 } });
    assert.deepEqual(pools!["pool"], { arrivals: 12, inFlight: 3, queued: 3 });
  });

  it("keeps what one that ended has counted, and nothing that it had under way", () => {
    const tally = new Tally();
    tally.set(primaryOnly([REPLICA]));
    for (const requests of [5, 6]) tally.end(told(requests, 2));
    for (const living of [[], [told(7, 1)]]) {
      const { replicas, metrics, pools } = tally.sum(living)!;
      assert.equal(replicas["one"]!.inFlight, living.length);
      assert.equal(metrics["one"]!.attempts, 11 + 7 * living.length);
      assert.equal(pools!["pool"]!.arrivals, 11 + 7 * living.length);
    }
  });

  it("forgets what a replica was before it restarted as another revision, but not what its route has had", () => {
    const tally = new Tally();
    tally.set(routing([route({ primary: version(1, [REPLICA], PRIMARY) })]));
    tally.end(told(5, 0));
    tally.set(routing([route({ primary: version(1, [REPLICA], CANARY) })]));
    const { metrics, routes } = tally.sum([told(1, 0)])!;
    assert.equal(metrics["one"]!.attempts, 1);
    assert.equal(routes["/"]!.firstAttempts.primary, 6);
  });

  it("has nothing of routes and replicas that are gone", () => {
    const tally = new Tally();
    tally.set(primaryOnly([REPLICA]));
    tally.end(told(5, 0));
    tally.set(routing([route({ prefix: "/other", pool: "other" })]));
    const { metrics, routes, pools } = tally.sum([])!;
    assert.deepEqual([Object.keys(metrics), Object.keys(routes), Object.keys(pools!)], [[], ["/other"], ["other"]]);
  });
});
