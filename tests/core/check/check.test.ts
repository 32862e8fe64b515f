import { POOL_DELETED, type EventBody } from "../../../provider/core/events";
import { assertHolds, assertRefutes } from "./assert";
import { canaryUp, draining, LogBook, routed, rolloutStarted, serving } from "./log";

const OLD = ["p-1", "p-2", "p-3", "p-4"];

function wholeRollout(): LogBook {
  const log = canaryUp();
  const olds = [...OLD];
  const news = ["p-5"];
  for (const percent of [25, 50, 75, 100]) {
    log.tick(routed(percent, 100 - percent, [...news], [...olds]));
    const leaving = olds.shift()!;
    log.tick(routed(percent, 100 - percent, [...news], [...olds]), draining(leaving));
    log.tick(
      { kind: "replicaDrained", replica: leaving, inFlight: 0, seconds: 2 },
      { kind: "replicaTerminating", replica: leaving, reason: "over" },
    );
    log.tick({ kind: "replicaEnded", replica: leaving });
    if (percent === 100) break;
    const next = `p-${5 + news.length}`;
    log.ready("b", next);
    news.push(next);
    log.tick(routed(percent, 100 - percent, [...news], [...olds]));
  }
  return log.tick({ kind: "rolloutEnded", rollout: 1, outcome: "promoted", reason: null, seconds: 40 });
}

describe("check, over logs in which all went well", () => {
  it("proves a first deployment", () => assertHolds(serving()));
  it("proves a whole surge rollout", () => assertHolds(wholeRollout()));
  it("proves an empty log", () => assertHolds(new LogBook()));

  it("does not blame us for a canary that the world took, nor for the traffic that falls with it", () => {
    const log = canaryUp()
      .tick(routed(25, 75, ["p-5"], OLD))
      .tick({ kind: "replicaLost", replica: "p-5", reason: "taken" }, routed(0, 100, [], OLD));
    log.ready("b", "p-6").tick(routed(25, 75, ["p-6"], OLD));
    assertHolds(log);
  });

  it("lets traffic flee to whoever is left when a version is lost", () => {
    const log = canaryUp()
      .tick(routed(25, 75, ["p-5"], OLD))
      .ended("p-1");
    log.tick(
      { kind: "rollingBack", rollout: 1, cause: "canaryFailed", reason: "it died", mode: "safe" },
      { kind: "replicaLost", replica: "p-5", reason: "taken" },
      routed(0, 100, [], ["p-2", "p-3", "p-4"]),
    );
    assertHolds(log);
  });

  it("does not blame a drain for replicas that lost their readiness in the same tick", () => {
    const notReady = (replica: string): EventBody => ({ kind: "replicaNotReady", replica, reason: "it fails" });
    const log = canaryUp()
      .tick(routed(25, 75, ["p-5"], OLD))
      .ended("p-1");
    log.tick(
      notReady("p-5"),
      { kind: "rollingBack", rollout: 1, cause: "canaryFailed", reason: "it fails", mode: "safe" },
      draining("p-5"),
      routed(0, 100, [], ["p-2", "p-3", "p-4"]),
    );
    assertHolds(log);
  });

  it("lets a deleted pool and a deleted service end their last replicas", () => {
    const deleted = (replica: string): EventBody => ({ kind: "replicaDraining", replica, reason: POOL_DELETED });
    assertHolds(serving().tick(...OLD.map(deleted)));
    assertHolds(
      serving()
        .tick({ kind: "serviceDeleting" })
        .tick(...OLD.map(draining)),
    );
  });

  it("lets a pool that is declared to have no replicas end them", () => {
    const none: EventBody = { kind: "poolDeclared", pool: "p", revision: "a", replicas: 0, change: "light" };
    assertHolds(serving().tick(none, ...OLD.map(draining)));
  });
});

describe("check, over logs in which something broke", () => {
  it("refutes cap when a launch exceeds it", () => {
    const log = canaryUp().tick({ kind: "replicaLaunching", replica: "p-6", pool: "p", revision: "b" });
    assertRefutes("cap", log, log.events.length);
  });

  it("counts replicas that still drain or end against the cap", () => {
    const log = canaryUp()
      .tick(routed(25, 75, ["p-5"], OLD))
      .tick(draining("p-1"))
      .tick({ kind: "replicaDrained", replica: "p-1", inFlight: 0, seconds: 1 })
      .tick({ kind: "replicaTerminating", replica: "p-1", reason: "over" })
      .tick({ kind: "replicaLaunching", replica: "p-6", pool: "p", revision: "b" });
    assertRefutes("cap", log, log.events.length);
  });

  it("refutes capacity when a weight is raised above the ready share", () => {
    const log = serving()
      .tick(rolloutStarted())
      .tick({ kind: "replicaLaunching", replica: "p-5", pool: "p", revision: "b" })
      .tick(routed(25, 75, ["p-5"], OLD));
    assertRefutes("capacity", log, log.events.length);
  });

  it("refutes capacity when a drain leaves less than the share", () => {
    const log = canaryUp().tick(draining("p-1"));
    assertRefutes("capacity", log, log.events.length);
  });

  it("refutes oneEach when the last canary is ended in mid-rollout", () => {
    const log = canaryUp().tick(draining("p-5"));
    assertRefutes("oneEach", log, log.events.length);
  });

  it("refutes lastHealthy when the last ready replica is ended", () => {
    const log = serving().tick(...OLD.map(draining));
    assertRefutes("lastHealthy", log, log.events.length);
  });

  it("refutes drainFirst when a routed replica is ended at once", () => {
    const log = serving().tick({ kind: "replicaTerminating", replica: "p-1", reason: "in a hurry" });
    assertRefutes("drainFirst", log, log.events.length);
  });

  it("refutes monotoneTraffic when the canary's share falls without a loss", () => {
    const log = canaryUp()
      .tick(routed(25, 75, ["p-5"], OLD))
      .tick(routed(10, 90, ["p-5"], OLD));
    assertRefutes("monotoneTraffic", log, log.events.length);
  });

  it("refutes monotoneTraffic when the share jumps by more than the surge", () => {
    const log = serving().tick(rolloutStarted(4, 6)).ready("b", "p-5", "p-6");
    log.tick(routed(50, 50, ["p-5", "p-6"], OLD));
    assertRefutes("monotoneTraffic", log, log.events.length);
  });

  it("refutes monotoneTraffic when the share rises in a rollback", () => {
    const log = serving().tick(rolloutStarted(4, 6)).ready("b", "p-5", "p-6");
    log.tick(routed(25, 75, ["p-5", "p-6"], OLD));
    log.tick({ kind: "rollingBack", rollout: 1, cause: "operator", reason: "asked", mode: "safe" });
    log.tick(routed(30, 70, ["p-5", "p-6"], OLD));
    assertRefutes("monotoneTraffic", log, log.events.length);
  });

  it("refutes oneActor when an old epoch writes after a new one", () => {
    const log = serving();
    log.events.push({ seq: log.events.length + 1, at: 9_000, epoch: 2, kind: "leaseTaken", packageVersion: "0.1.0" });
    log.events.push({ seq: log.events.length + 1, at: 9_100, epoch: 1, kind: "routeInForce", generation: 1 });
    assertRefutes("oneActor", log, log.events.length);
  });

  it("refutes oneActor when events are missing", () => {
    const log = serving();
    const [gone] = log.events.splice(3, 1);
    assertRefutes("oneActor", log, gone!.seq + 1);
  });
});
