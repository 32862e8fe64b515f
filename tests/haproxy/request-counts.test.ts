import assert from "node:assert/strict";
import type { LogLine } from "../../provider/dataplane/haproxy/log-lines";
import { serverName } from "../../provider/dataplane/haproxy/names";
import { RequestCounts } from "../../provider/dataplane/haproxy/request-counts";
import { VersionCounts } from "../../provider/dataplane/version-counts";
import { CANARY, PRIMARY, route, routing, version } from "../dataplane/support/routing";

const REPLICA = { id: "replica", host: "127.0.0.1", port: 8000 };

function answered(revision: string): LogLine {
  return {
    backend: "p0a",
    server: serverName(REPLICA, revision),
    status: 200,
    endedBy: "-",
    phase: "-",
    timeToFirstByte: 1,
    latency: 2,
    retried: false,
    pool: 0,
    access: null,
  };
}

describe("what HAProxy's log has told", () => {
  it("of revisions that are no longer routed is kept as one number, however many they were", () => {
    const counts = new RequestCounts(new VersionCounts());
    const revisions = [PRIMARY, CANARY, "cccccccccccccccc"];
    for (const revision of revisions) {
      counts.add(answered(revision), "pool");
      counts.keep(routing([route({ primary: version(1, [REPLICA], revision) })]));
    }
    const { byRevision, others } = counts.route("pool");
    assert.deepEqual([...byRevision], [[revisions[2], 1]]);
    assert.equal(others, 2);
  });

  it("of a pool that has gone is forgotten", () => {
    const counts = new RequestCounts(new VersionCounts());
    counts.add(answered(PRIMARY), "gone");
    counts.keep(routing([route({ primary: version(1, [REPLICA]) })]));
    assert.equal(counts.route("gone").byRevision.size, 0);
  });
});
