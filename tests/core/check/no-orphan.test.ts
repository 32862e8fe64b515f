import assert from "node:assert/strict";
import { checkEvents } from "../../../provider/core/check/check";
import { assertHolds, assertRefutes } from "./assert";
import { canaryUp, rolloutStarted, serving } from "./log";

const OLD = ["p-1", "p-2", "p-3", "p-4"];

describe("check, over the books of all replicas", () => {
  it("lists what is still there at the end, and says nothing against it", () => {
    const log = serving().tick({ kind: "orphanSeen", replica: "p-9" });
    assertHolds(log);
    assert.deepEqual(checkEvents(log.events).atEnd, { replicas: OLD, orphans: ["p-9"] });
  });

  it("proves an orphan that was seen and ended, also twice when the listing is stale", () => {
    const log = serving()
      .ended("p-1")
      .tick({ kind: "orphanSeen", replica: "p-1" })
      .tick({ kind: "orphanEnded", replica: "p-1" })
      .tick({ kind: "orphanSeen", replica: "p-1" })
      .tick({ kind: "orphanEnded", replica: "p-1" });
    assertHolds(log);
    assert.deepEqual(checkEvents(log.events).atEnd, { replicas: OLD.slice(1), orphans: [] });
  });

  it("refutes noOrphan when a replica falls out of the state untold", () => {
    const log = serving().tick({ kind: "orphanSeen", replica: "p-2" });
    assertRefutes("noOrphan", log, undefined, /p-2 fell out of the state without a word/);
  });

  it("refutes noOrphan when an id is used twice", () => {
    const log = canaryUp().tick({ kind: "replicaLost", replica: "p-5", reason: "taken" });
    log.tick({ kind: "replicaLaunching", replica: "p-5", pool: "p", revision: "b" });
    assertRefutes("noOrphan", log, undefined, /p-5 was launched a second time/);
  });

  it("refutes noOrphan when a replica is told of after its end", () => {
    const log = serving().ended("p-1").tick({ kind: "replicaReady", replica: "p-1", afterSeconds: 1 });
    assertRefutes("noOrphan", log, undefined, /p-1 is told of \(replicaReady\) and was gone already/);
  });

  it("refutes noOrphan when a pool is gone before its replicas", () => {
    const log = serving().tick({ kind: "poolDeclared", pool: "p", revision: "", replicas: 0, change: "removed" });
    assertRefutes("noOrphan", log, undefined, /"p" was told to be gone while p-1 was still there/);
  });

  it("does not judge what was launched before the log begins", () => {
    const log = serving().ended("p-1");
    log.events.splice(0, 6);
    assertHolds(log);
  });

  it("refutes oneActor when a rollout begins before the other is over", () => {
    const log = canaryUp().tick({ ...rolloutStarted(), rollout: 2 } as ReturnType<typeof rolloutStarted>);
    assertRefutes("oneActor", log, undefined, /Rollout 2 began before rollout 1 had ended/);
  });
});
