import assert from "node:assert/strict";
import { checkEvents } from "../../../provider/core/check/check";
import type { EventBody } from "../../../provider/core/events";
import { assertHolds, assertRefutes } from "./assert";
import { draining, goingBack, LogBook, NEW, OLD, promoted, rolledBack, rolloutStarted, routed, serving } from "./log";

function rolling(floor: number, cap = 4, strategy: "rolling" | "inPlace" = "rolling"): LogBook {
  return serving().tick(
    rolloutStarted(4, cap, { strategy, maxShiftPercent: 100, floor: { p: floor } }),
    routed(0, 4, [], OLD),
  );
}

/** Stop first, one at a time; traffic by replica. */
function rolledThrough(log: LogBook): LogBook {
  const olds = [...OLD];
  const news: string[] = [];
  for (const fresh of NEW) {
    const old = olds.shift()!;
    log.tick(draining(old), routed(news.length, olds.length, [...news], [...olds]));
    log.tick(
      { kind: "replicaDrained", replica: old, inFlight: 0, seconds: 1 },
      { kind: "replicaTerminating", replica: old, reason: "over" },
    );
    log.tick({ kind: "replicaEnded", replica: old }).ready("b", fresh);
    news.push(fresh);
    log.tick(routed(news.length, olds.length, [...news], [...olds]));
  }
  return log;
}

describe("check, over rolling logs", () => {
  it("proves a rollout that stops one replica at a time", () => {
    assertHolds(rolledThrough(rolling(3)).tick(promoted));
  });

  it("proves one that is rolled back by the same floor", () => {
    const log = rolling(3).tick(draining("p-1"), routed(0, 3, [], OLD.slice(1)));
    log.tick(
      { kind: "replicaDrained", replica: "p-1", inFlight: 0, seconds: 1 },
      { kind: "replicaTerminating", replica: "p-1", reason: "over" },
    );
    log.tick({ kind: "replicaEnded", replica: "p-1" }).ready("b", "p-5");
    log.tick(routed(1, 3, ["p-5"], OLD.slice(1)));
    log.tick(goingBack("safe"), draining("p-5"), routed(0, 3, [], OLD.slice(1)));
    log.tick(
      { kind: "replicaDrained", replica: "p-5", inFlight: 0, seconds: 1 },
      { kind: "replicaTerminating", replica: "p-5", reason: "over" },
    );
    assertHolds(log.tick({ kind: "replicaEnded", replica: "p-5" }).tick(rolledBack));
  });

  it("refutes capacity when two are down where one may be", () => {
    const log = rolling(3).tick(draining("p-1"), draining("p-2"), routed(0, 2, [], ["p-3", "p-4"]));
    assertRefutes("capacity", log, log.events.length - 1, /left 2 ready replicas in pool "p"; rollout 1 keeps 3/);
  });

  it("refutes capacity when the weights do not follow the replicas", () => {
    const log = rolling(3, 5)
      .ready("b", "p-5")
      .tick(routed(50, 50, ["p-5"], OLD));
    assertRefutes("capacity", log, undefined, /weights 50:50 with 1 canaries and 4 primaries/);
  });

  /** Each canary carries as much as two primaries. */
  function heavier(floor: number, cap: number): LogBook {
    const pools = [{ name: "p", from: 4, to: 4, weights: { from: 100, to: 200 } }];
    return serving().tick(
      rolloutStarted(4, cap, { strategy: "rolling", maxShiftPercent: 100, floor: { p: floor }, pools }),
      routed(0, 4, [], OLD),
    );
  }

  it("proves a split and a floor by capacity where the versions' replicas have other weights", () => {
    const log = heavier(3, 4).tick(draining("p-1"), routed(0, 3, [], OLD.slice(1)));
    log.tick(
      { kind: "replicaDrained", replica: "p-1", inFlight: 0, seconds: 1 },
      { kind: "replicaTerminating", replica: "p-1", reason: "over" },
    );
    log.tick({ kind: "replicaEnded", replica: "p-1" }).ready("b", "p-5");
    log.tick(routed(2, 3, ["p-5"], OLD.slice(1)));
    assertHolds(log.tick(draining("p-2"), draining("p-3"), routed(2, 1, ["p-5"], ["p-4"])));
  });

  it("does not blame a rolling rollout for what a lost canary carried beyond its number", () => {
    const log = heavier(3, 6)
      .ready("b", "p-5", "p-6")
      .tick(routed(4, 4, ["p-5", "p-6"], OLD));
    log.tick({ kind: "replicaLost", replica: "p-5", reason: "taken" }, routed(2, 4, ["p-6"], OLD));
    assertHolds(log);
  });

  it("refutes capacity when the weights do not follow what the replicas carry, or too much of that is drained", () => {
    const equal = heavier(3, 5)
      .ready("b", "p-5")
      .tick(routed(1, 4, ["p-5"], OLD));
    assertRefutes("capacity", equal, undefined, /weights 1:4 with 1 canaries and 4 primaries of weights 2:1/);
    const drained = heavier(3, 5).ready("b", "p-5");
    drained.tick(...OLD.slice(1).map(draining), draining("p-1"), routed(2, 0, ["p-5"], []));
    assertRefutes(
      "capacity",
      drained,
      drained.events.length - 1,
      /left 2 units of ready capacity in pool "p"; rollout 1 keeps 3/,
    );
  });

  it("refutes monotoneTraffic when a ready canary is taken out on the way forward", () => {
    const log = rolling(3, 6)
      .ready("b", "p-5", "p-6")
      .tick(routed(2, 4, ["p-5", "p-6"], OLD));
    log.tick(draining("p-6"), routed(1, 4, ["p-5"], OLD));
    assertRefutes("monotoneTraffic", log, undefined, /fell from 2\/6 to 1\/5/);
  });

  it("does not blame a rolling rollout for the share that goes with a lost canary or comes with a lost primary", () => {
    const log = rolling(3, 5)
      .ready("b", "p-5")
      .tick(routed(1, 4, ["p-5"], OLD));
    log.tick({ kind: "replicaLost", replica: "p-1", reason: "taken" }, routed(1, 3, ["p-5"], OLD.slice(1)));
    log.tick({ kind: "replicaLost", replica: "p-5", reason: "taken" }, routed(0, 3, [], OLD.slice(1)));
    assertHolds(log);
  });

  it("ends the last ready replica only where an outage is allowed", () => {
    const one = (floor: number) =>
      new LogBook()
        .tick({ kind: "poolDeclared", pool: "p", revision: "a", replicas: 1, change: "first" })
        .ready("a", "p-1")
        .tick(routed(0, 1, [], ["p-1"]))
        .tick(rolloutStarted(1, 1, { strategy: "rolling", maxShiftPercent: 100, floor: { p: floor } }))
        .tick(routed(0, 0, [], []), draining("p-1"));
    assertHolds(one(0));
    const broken = checkEvents(one(1).events).verdicts.flatMap(({ violation }) => violation?.invariant ?? []);
    assert.deepEqual(broken, ["capacity", "lastHealthy"]);
  });
});

function restarting(replica: string, revision = "b"): EventBody {
  return { kind: "replicaRestarting", replica, revision, restarts: 1 };
}

describe("check, over inPlace logs", () => {
  it("proves a rollout that restarts each replica on its VM, which counts once", () => {
    const log = rolling(3, 4, "inPlace");
    const olds = [...OLD];
    const news: string[] = [];
    for (const replica of OLD) {
      olds.shift();
      log.tick(draining(replica), routed(news.length, olds.length, [...news], [...olds]));
      log.tick({ kind: "replicaDrained", replica, inFlight: 0, seconds: 1 }, restarting(replica));
      log.tick({ kind: "replicaReady", replica, afterSeconds: 1 });
      news.push(replica);
      log.tick(routed(news.length, olds.length, [...news], [...olds]));
    }
    assertHolds(log.tick(promoted));
    assert.deepEqual(checkEvents(log.events).rollouts[0]!.peak, { p: { vms: 4, cap: 4 } });
  });

  it("refutes drainFirst when a replica restarts before its drain is over", () => {
    const log = rolling(3, 4, "inPlace").tick(draining("p-1"), routed(0, 3, [], OLD.slice(1)));
    assertRefutes("drainFirst", log.tick(restarting("p-1")), undefined, /restarted while it was draining/);
  });

  it("refutes drainFirst when a replica restarts in the middle of its service", () => {
    const log = rolling(3, 4, "inPlace").tick(restarting("p-1"), routed(0, 3, [], OLD.slice(1)));
    assertRefutes("drainFirst", log, log.events.length - 1, /restarted while it was ready, not drained/);
  });

  it("refutes cap when a replica starts beside those that restart", () => {
    const log = rolling(3, 4, "inPlace").tick(draining("p-1"), routed(0, 3, [], OLD.slice(1)));
    log.tick({ kind: "replicaDrained", replica: "p-1", inFlight: 0, seconds: 1 }, restarting("p-1"));
    log.tick({ kind: "replicaLaunching", replica: "p-9", pool: "p", revision: "b" });
    assertRefutes("cap", log, undefined, /made 5 VMs of pool "p"; rollout 1 may have 4/);
  });
});

/** Half way by surge: two canaries and two primaries, half of the traffic each. */
function halfWay(cap = 6): LogBook {
  const news = ["p-5", "p-6"];
  const log = serving()
    .tick(rolloutStarted(4, cap, { maxShiftPercent: 50 }))
    .ready("b", ...news)
    .tick(routed(50, 50, news, OLD))
    .tick(routed(50, 50, news, ["p-3", "p-4"]), draining("p-1"), draining("p-2"));
  for (const replica of ["p-1", "p-2"]) {
    log.tick(
      { kind: "replicaDrained", replica, inFlight: 0, seconds: 1 },
      { kind: "replicaTerminating", replica, reason: "over" },
    );
    log.tick({ kind: "replicaEnded", replica });
  }
  return log;
}

describe("check, over rollbacks", () => {
  const HERE = ["p-3", "p-4"];
  const THERE = ["p-5", "p-6"];

  it("proves a safe one: the primary first, then its traffic", () => {
    const log = halfWay().tick(goingBack("safe")).ready("a", "p-7", "p-8");
    log.tick(routed(0, 100, THERE, [...HERE, "p-7", "p-8"]));
    assertHolds(log.ended(...THERE).tick(rolledBack));
  });

  it("refutes capacity when a safe one returns the traffic before the primary is there", () => {
    const log = halfWay().tick(goingBack("safe"), routed(0, 100, THERE, HERE));
    assertRefutes("capacity", log, undefined, /primary .* given 100\/100 .* 2 of 4 replicas ready/);
  });

  it("proves an immediate one that returns the traffic at once, for that is what it declares", () => {
    const log = halfWay()
      .tick(goingBack("immediate"), routed(0, 100, THERE, HERE))
      .ended(...THERE)
      .ready("a", "p-7", "p-8");
    assertHolds(log.tick(rolledBack));
  });

  it("refutes cap and lastHealthy in an immediate one too", () => {
    const launches = ["p-7", "p-8", "p-9"].map((replica): EventBody => ({
      kind: "replicaLaunching",
      replica,
      pool: "p",
      revision: "a",
    }));
    const log = halfWay().tick(goingBack("immediate"), ...launches);
    assertRefutes("cap", log, undefined, /made 7 VMs/);
    const ended = halfWay().tick(goingBack("immediate"), ...[...HERE, ...THERE].map(draining));
    const broken = checkEvents(ended.events).verdicts.flatMap(({ violation }) => violation?.invariant ?? []);
    assert.ok(broken.includes("lastHealthy"));
  });

  it("proves a gradual one step by step, and refutes capacity where traffic is faster than the primary", () => {
    const gradual = () =>
      halfWay()
        .tick(goingBack("gradual"), {
          kind: "rolloutReplanned",
          rollout: 1,
          reason: "going back",
          pools: [{ name: "p", from: 4, to: 4 }],
          cap: { p: 5 },
          floor: null,
          growing: "primary",
        })
        .ready("a", "p-7")
        .tick(routed(25, 75, THERE, [...HERE, "p-7"]));
    const log = gradual()
      .ended("p-5")
      .ready("a", "p-8")
      .tick(routed(0, 100, ["p-6"], [...HERE, "p-7", "p-8"]))
      .ended("p-6");
    assertHolds(log.tick(rolledBack));
    const hasty = gradual().tick(routed(0, 100, THERE, [...HERE, "p-7"]));
    assertRefutes("capacity", hasty, undefined, /given 100\/100 of the traffic with 3 of 4 replicas ready/);
  });

  it("refutes monotoneTraffic when the canary's traffic rises while it goes back", () => {
    const log = halfWay()
      .tick(goingBack("gradual"))
      .tick(routed(60, 40, THERE, HERE));
    assert.ok(checkEvents(log.events).verdicts.some(({ violation }) => violation?.invariant === "monotoneTraffic"));
  });

  it("lets a rollback that is called off go forward from where it had got to, and no farther in one step", () => {
    const calledOff = () =>
      halfWay(8)
        .tick(goingBack("safe"))
        .ready("a", "p-7", "p-8")
        .tick(routed(0, 100, THERE, [...HERE, "p-7", "p-8"]))
        .tick({ kind: "rollbackCancelled", rollout: 1 });
    assertHolds(calledOff().tick(routed(50, 50, THERE, [...HERE, "p-7", "p-8"])));
    const log = calledOff().ready("b", "p-9");
    log.tick(routed(75, 25, [...THERE, "p-9"], [...HERE, "p-7", "p-8"]));
    assertRefutes("monotoneTraffic", log, undefined, /jumped from 0\/100 to 75\/100, by more than 50 %/);
  });
});
