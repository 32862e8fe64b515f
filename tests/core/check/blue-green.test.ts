import assert from "node:assert/strict";
import { checkEvents } from "../../../provider/core/check/check";
import type { EventBody, RoutedPool } from "../../../provider/core/events";
import { assertHolds, assertRefutes } from "./assert";
import { goingBack, LogBook, NEW, OLD, promoted, rolledBack, rolloutStarted, routed, serving } from "./log";

function blueGreen(): LogBook {
  return serving().tick(rolloutStarted(4, 8, { strategy: "blueGreen", maxShiftPercent: 100 }), routed(0, 100, [], OLD));
}

/** Pools `p` and `q` of one replica, with their second version up. */
function twoPools(): LogBook {
  const log = new LogBook()
    .tick({ kind: "leaseTaken", packageVersion: "0.1.0" })
    .tick(
      { kind: "poolDeclared", pool: "p", revision: "a", replicas: 1, change: "first" },
      { kind: "poolDeclared", pool: "q", revision: "a", replicas: 1, change: "first" },
    );
  const up = (pool: string, revision: string) => {
    const replica = `${pool}-${revision}`;
    log.tick({ kind: "replicaLaunching", replica, pool, revision });
    log.tick({ kind: "replicaReady", replica, afterSeconds: 1 });
  };
  up("p", "a");
  up("q", "a");
  log.tick(
    rolloutStarted(1, 2, {
      strategy: "blueGreen",
      maxShiftPercent: 100,
      pools: [
        { name: "p", from: 1, to: 1 },
        { name: "q", from: 1, to: 1 },
      ],
      cap: { p: 2, q: 2 },
      revisions: { p: { from: "a", to: "b" }, q: { from: "a", to: "b" } },
    }),
  );
  up("p", "b");
  up("q", "b");
  return log;
}

/** Each pool by the version that has all of its traffic; `canaries`: of q. */
function cutOver(to: Record<"p" | "q", "a" | "b">, canaries = ["q-b"]): EventBody {
  const version = (revision: string, isServing: boolean, replicas: string[]) => ({
    revision,
    weight: isServing ? 100 : 0,
    replicas,
  });
  const pool = (name: "p" | "q", replicas: string[]): RoutedPool => ({
    primary: version("a", to[name] === "a", [`${name}-a`]),
    canary: version("b", to[name] === "b", replicas),
    draining: [],
  });
  return { kind: "routed", generation: 2, pools: { p: pool("p", ["p-b"]), q: pool("q", canaries) } };
}

describe("check, over blueGreen logs", () => {
  it("proves a cut-over, and tells the rollout in a line", () => {
    const log = blueGreen()
      .ready("b", ...NEW)
      .tick(routed(100, 0, NEW, OLD))
      .tick(routed(100, 0, NEW, []))
      .ended(...OLD)
      .tick(promoted);
    assertHolds(log);
    assert.deepEqual(checkEvents(log.events).rollouts, [
      {
        id: 1,
        version: 2,
        strategy: "blueGreen",
        origin: "declared",
        outcome: "promoted",
        seconds: 12.5,
        peak: { p: { vms: 8, cap: 8 } },
        violation: null,
      },
    ]);
  });

  it("proves a return in one generation after the cut-over", () => {
    const log = blueGreen()
      .ready("b", ...NEW)
      .tick(routed(100, 0, NEW, OLD))
      .tick(goingBack("safe"), routed(0, 100, NEW, OLD))
      .ended(...NEW)
      .tick(rolledBack);
    assertHolds(log);
  });

  it("refutes capacity when it is cut over to fewer than were declared meanwhile, but not where an older log says nothing of it", () => {
    for (const [replicas, side, holds] of [
      [5, "canary", false],
      [3, "canary", true],
      [5, "primary", true],
      [5, undefined, true],
    ] as const) {
      const log = blueGreen()
        .tick({ kind: "poolDeclared", pool: "p", revision: "b", replicas, change: "light", ...(side && { side }) })
        .ready("b", ...NEW)
        .tick(routed(100, 0, NEW, OLD));
      if (holds) assertHolds(log);
      else assertRefutes("capacity", log, undefined, /cut over to with 4 replicas ready; 5 were declared/);
    }
  });

  it("refutes noMixing when both versions have traffic in a routing", () => {
    const log = blueGreen()
      .ready("b", ...NEW)
      .tick(routed(50, 50, NEW, OLD));
    assertRefutes("noMixing", log, undefined, /both versions in one routing \(canary 50, primary 50\)/);
    assert.equal(checkEvents(log.events).rollouts[0]!.violation?.invariant, "noMixing");
  });

  it("refutes noMixing when one pool is cut over before the other", () => {
    const log = twoPools().tick(cutOver({ p: "b", q: "a" }));
    assertRefutes("noMixing", log, undefined, /"p" was cut over and pool "q" was not/);
  });

  it("lets a primary stand in for a canary that was lost after the cut-over, until that one is whole again", () => {
    const log = twoPools().tick(cutOver({ p: "b", q: "b" }));
    log.tick({ kind: "replicaLost", replica: "q-b", reason: "it is gone" }, cutOver({ p: "b", q: "a" }, []));
    assertHolds(log);
    log.tick({ kind: "replicaLaunching", replica: "q-c", pool: "q", revision: "b" });
    log.tick({ kind: "replicaReady", replica: "q-c", afterSeconds: 1 }, cutOver({ p: "b", q: "a" }, ["q-c"]));
    assertRefutes("noMixing", log, undefined, /"p" was cut over and pool "q" was not/);
  });

  it("refutes capacity when it cuts over to a canary of which one replica is missing", () => {
    const log = blueGreen()
      .ready("b", "p-5", "p-6", "p-7")
      .tick(routed(100, 0, ["p-5", "p-6", "p-7"], OLD));
    assertRefutes("capacity", log, undefined, /given 100\/100 of the traffic with 3 of 4 replicas ready/);
  });
});
