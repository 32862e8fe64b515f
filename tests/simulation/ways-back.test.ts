import assert from "node:assert/strict";
import { surge } from "../core/strategies";
import { rolloutProgress } from "../../provider/core/follow";
import type { Gate } from "../../provider/core/strategy";
import {
  canaryTraffic,
  declareRevision,
  declareStrategy,
  during,
  ended,
  follow,
  proved,
  revisions,
  rolloutOf,
  serving,
  settled,
} from "./service";
import type { World } from "./world";

const FOUR = [{ name: "p", replicas: 4 }];

describe("a pause", () => {
  it("finishes what is under way, moves nothing more, and lets it go on when it is resumed (karpenter#2497)", () => {
    const world = serving(FOUR);
    declareRevision(world, "b");
    world.until(() => during(world, ({ cursor }) => cursor === 1));
    world.command({ kind: "pause" });
    for (let count = 0; count < 600; count += 1) world.tick();
    assert.equal(rolloutOf(world).cursor, 1);
    assert.equal(world.routing!.routes[0]!.canary!.replicas.length, 1);
    world.command({ kind: "resume" });
    follow(world, 1, () => undefined);
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    proved(world);
  });

  it("stops the clock of the timeout", () => {
    const world = serving(FOUR, surge(25, { timeoutSeconds: 60 }));
    declareRevision(world, "b");
    world.until(() => during(world, ({ cursor }) => cursor === 1));
    world.command({ kind: "pause" });
    world.tick();
    world.now += 3_600_000;
    for (let count = 0; count < 20; count += 1) world.tick();
    assert.equal(rolloutOf(world).direction.kind, "forward");
    world.command({ kind: "resume" });
    follow(world, 1, () => undefined);
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
  });
});

describe("a rollback", () => {
  for (const percent of [25, 50, 75]) {
    it(`from ${percent} % is safe: neither version ever has more traffic than it can carry (argo#2119, argo#2050, flagger#869)`, () => {
      const world = serving([{ name: "p", replicas: 8 }]);
      declareRevision(world, "b");
      world.until(() => canaryTraffic(world) >= percent);
      world.command({ kind: "abort", mode: { mode: "safe" } });
      follow(world, 1, () => undefined);
      proved(world);
    });

    it(`from ${percent} % is gradual by a surge of its own (argo#3888, flagger#381)`, () => {
      const world = serving([{ name: "p", replicas: 10 }], surge(50));
      declareRevision(world, "b");
      world.until(() => canaryTraffic(world) >= percent);
      world.command({ kind: "abort", mode: { mode: "gradual", maxSurgePercent: 10 } });
      world.tick();
      follow(world, 1, () => assert.ok(world.living().length <= 15));
      assert.deepEqual(revisions(world), new Set(["a"]));
      proved(world);
    });

    it(`from ${percent} % at once gives the primary everything, and the cap still binds`, () => {
      const world = serving([{ name: "p", replicas: 8 }]);
      declareRevision(world, "b");
      world.until(() => canaryTraffic(world) >= percent);
      world.command({ kind: "abort", mode: { mode: "immediate" } });
      world.tick();
      assert.equal(canaryTraffic(world), 0);
      follow(world, 1, () => assert.ok(world.living().length <= 10));
      assert.deepEqual(revisions(world), new Set(["a"]));
      proved(world);
    });
  }

  it("after the promotion brings the version before back, and no `up` undoes it", () => {
    const world = serving(FOUR);
    declareRevision(world, "b");
    world.until(() => settled(world) && ended(world) === 1);
    assert.equal(world.state!.history[0]!.version, 1);
    world.command({ kind: "rollback", mode: null, toVersion: null });
    world.until(() => settled(world) && ended(world) === 2);
    assert.deepEqual(revisions(world), new Set(["a"]));
    declareRevision(world, "b");
    for (let count = 0; count < 100; count += 1) world.tick();
    assert.deepEqual(revisions(world), new Set(["a"]));
    world.command({ kind: "retry" });
    world.until(() => settled(world) && ended(world) === 3);
    assert.deepEqual(revisions(world), new Set(["b"]));
    proved(world);
  });

  for (const [keepRevisions, kept] of [
    [0, []],
    [1, [2]],
    [3, [2, 1]],
  ] as const) {
    it(`keeps ${kept.length} of two earlier versions where keepRevisions is ${keepRevisions}, and by its number brings back what is kept and nothing else`, () => {
      const world = serving(FOUR, surge(100, { keepRevisions }));
      for (const [index, revision] of ["b", "c"].entries()) {
        declareRevision(world, revision);
        world.until(() => settled(world) && ended(world) === index + 1);
      }
      const versions = () => world.state!.history.map(({ version }) => version);
      assert.deepEqual(versions(), kept);
      world.command({ kind: "rollback", mode: null, toVersion: 1 });
      world.tick();
      if (!versions().includes(1)) {
        for (let count = 0; count < 20; count += 1) world.tick();
        assert.equal(ended(world), 2, "what is not kept cannot come back, and nothing else is taken for it");
        assert.deepEqual(revisions(world), new Set(["c"]));
      } else {
        world.until(() => settled(world) && ended(world) === 3);
        assert.deepEqual(revisions(world), new Set(["a"]));
        assert.deepEqual(versions(), [3, 2]);
      }
      proved(world);
    });
  }

  it("by the program, after the promotion, skips the gates and bakes that the kept version has passed, and is promoted", () => {
    const gate: Gate = { kind: "command", secret: "smoke-test", timeoutSeconds: 60 };
    const strategy = surge(25, { bakeSeconds: 30, gates: [gate] });
    const world = serving(FOUR, strategy);
    const asked: number[] = [];
    world.answerToGate = (_gate, { version }) => {
      asked.push(version);
      return { outcome: "passed", reason: "" };
    };
    const rollOut = (revision: string, count: number) => {
      declareRevision(world, revision);
      const since = world.now;
      world.until(() => settled(world) && ended(world) === count);
      assert.deepEqual(revisions(world), new Set([revision]));
      return (world.now - since) / 1000;
    };
    assert.ok(rollOut("b", 1) > 120, "four bakes");
    declareStrategy(world, { ...strategy, timeoutSeconds: 600 });
    assert.ok(rollOut("a", 2) < 60, "no bake");
    const { kind, version } = world.state!.lastOutcome!;
    assert.deepEqual([kind, version, world.state!.rejected], ["promoted", 1, {}]);
    assert.deepEqual([...asked], [2, 2, 2, 2], "only of the new version");
    assert.ok(rollOut("b", 3) > 120, "what was taken away once proves itself again");
    assert.equal(asked.length, 8);
    proved(world);
  });

  it("is called off when the middle version is declared again", () => {
    const world = serving([{ name: "p", replicas: 8 }]);
    declareRevision(world, "b");
    world.until(() => canaryTraffic(world) >= 50);
    declareRevision(world, "a");
    world.until(() => canaryTraffic(world) < 50);
    declareRevision(world, "b");
    const launched = () => world.log.filter(({ kind }) => kind === "rolloutStarted").length;
    world.until(() => settled(world));
    assert.deepEqual(revisions(world), new Set(["b"]));
    assert.equal(launched(), 1);
    proved(world);
  });

  it("drains the middle version before a third one starts (tf-aws#13791)", () => {
    const world = serving(FOUR);
    declareRevision(world, "b");
    world.until(() => canaryTraffic(world) >= 50);
    declareRevision(world, "c");
    world.until(
      () => settled(world),
      3600,
      () => assert.ok(revisions(world).size <= 2 && world.living().length <= 5),
    );
    assert.deepEqual(revisions(world), new Set(["c"]));
    proved(world);
  });
});

describe("a way back to what never comes up", () => {
  const stuck = (declareMeanwhile?: string) => {
    const world = serving(FOUR, surge(25, { timeoutSeconds: 600 }));
    declareRevision(world, "b");
    world.until(() => canaryTraffic(world) === 75);
    world.behaviours.set("a", { bootMs: 500, start: "exits", drainMs: 0 });
    for (const { replica, revision } of world.living()) if (revision === "a") world.lose(replica);
    world.tick();
    if (declareMeanwhile === undefined) world.command({ kind: "abort", mode: null });
    else declareRevision(world, declareMeanwhile);
    return world;
  };
  const outlook = (world: World) => rolloutProgress(world.intent, world.state, world.intent.rollout!.target);
  const canaries = (world: World) => world.routing!.routes[0]!.canary?.replicas.length ?? 0;

  it("lets whoever follows it go and says why, ends nothing that serves, and ends well when it comes up after all", () => {
    const world = stuck();
    world.until(() => outlook(world).kind === "failed");
    const progress = outlook(world);
    assert.ok(progress.kind === "failed" && progress.code === "ReplicaFailed");
    assert.match(
      progress.reasons[0],
      /^the way back to version 1 waits since 1970-.*Z for pool "p", whose replicas do not come up: p-\d+: .*; version 2 serves in their place$/,
    );
    assert.match(progress.reasons[1]!, /rollout promote --force/);
    for (let count = 0; count < 1_500; count += 1) {
      world.tick();
      assert.ok(canaries(world) >= 3);
    }
    assert.equal(world.log.filter(({ kind }) => kind === "primaryAwaited").length, 1);
    world.behaviours.delete("a");
    follow(world, 1, () => undefined);
    assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
    world.until(() => settled(world));
    assert.deepEqual(revisions(world), new Set(["a"]));
    proved(world);
  });

  it("goes on to what serves when an operator forces it, whatever time has passed, and to nothing on a plain promote (argo#995)", () => {
    const world = stuck();
    world.until(() => outlook(world).kind === "failed");
    world.now += 3_600_000;
    world.command({ kind: "promote", force: false });
    world.tick();
    assert.equal(rolloutOf(world).direction.kind, "back");
    world.command({ kind: "promote", force: true });
    follow(world, 1, () => undefined);
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    world.until(() => settled(world));
    assert.deepEqual(revisions(world), new Set(["b"]));
    assert.equal(outlook(world).kind, "done");
    proved(world);
  });

  it("of a middle version, forced on, is followed by what the program declares now", () => {
    const world = stuck("c");
    world.until(() => outlook(world).kind === "failed");
    world.command({ kind: "promote", force: true });
    world.until(() => ended(world) === 2 && settled(world));
    assert.deepEqual(
      world.log.flatMap((event) => (event.kind === "rolloutEnded" ? [event.outcome] : [])),
      ["promoted", "promoted"],
    );
    assert.deepEqual(revisions(world), new Set(["c"]));
    proved(world);
  });

  it("that has no room is starved of capacity for whoever follows it", () => {
    const world = serving(FOUR, surge(25, { capacityWaitSeconds: 60 }));
    declareRevision(world, "b");
    world.until(() => canaryTraffic(world) === 75);
    world.refusals = Number.POSITIVE_INFINITY;
    for (const { replica, revision } of world.living()) if (revision === "a") world.lose(replica);
    world.command({ kind: "abort", mode: null });
    world.until(() => outlook(world).kind === "failed");
    const progress = outlook(world);
    assert.ok(progress.kind === "failed" && progress.code === "CapacityStarved");
    assert.match(progress.reasons[0], /^the way back to version 1 waits for capacity/);
    world.refusals = 0;
    follow(world, 1, () => undefined);
    proved(world);
  });
});

describe("the clocks", () => {
  it("wait for capacity without going back, and say when that takes too long", () => {
    const world = serving(FOUR, surge(25, { timeoutSeconds: 60, capacityWaitSeconds: 300 }));
    world.refusals = Number.POSITIVE_INFINITY;
    declareRevision(world, "b");
    world.until(() => during(world, ({ capacity }) => capacity?.starved === true));
    assert.equal(rolloutOf(world).direction.kind, "forward");
    assert.deepEqual(revisions(world), new Set(["a"]));
    world.refusals = 0;
    follow(world, 1, () => undefined);
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    proved(world);
  });

  it("turn a rollout back whose step takes too long", () => {
    const world = serving(FOUR, surge(25, { stepTimeoutSeconds: 10 }));
    world.behaviours.set("b", { bootMs: 30_000, start: "ready", drainMs: 500 });
    declareRevision(world, "b");
    follow(world, 1, () => undefined);
    assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
    assert.match(world.state!.lastOutcome!.reason!, /stepTimeoutSeconds/);
  });
});

describe("a rollout of several pools", () => {
  it("goes on for the others when one of them is deleted, with the traffic that their canaries carry", () => {
    const world = serving([
      { name: "p", replicas: 4 },
      { name: "q", replicas: 4 },
    ]);
    declareRevision(world, "b");
    world.until(() => canaryTraffic(world) >= 75);
    world.declare((intent) => (intent.pools["q"]!.deleting = true));
    world.until(
      () => ended(world) === 1,
      600,
      () => {
        const route = world.routing!.routes.find(({ pool }) => pool === "p")!;
        assert.ok((route.canary?.replicas.length ?? 0) + (route.primary?.replicas.length ?? 0) >= 4);
      },
    );
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    proved(world);
  });
});

describe("an operator's word", () => {
  it("given while the rollout goes back for a newer program is not undone by the program", () => {
    const world = serving(FOUR);
    declareRevision(world, "b");
    world.until(() => canaryTraffic(world) >= 50);
    declareRevision(world, "a");
    world.until(() => canaryTraffic(world) < 50);
    world.command({ kind: "abort", mode: null });
    declareRevision(world, "b");
    world.until(() => settled(world));
    assert.deepEqual(revisions(world), new Set(["a"]));
    proved(world);
  });

  it("takes its own rollback back, and nothing stays rejected", () => {
    const world = serving(FOUR);
    declareRevision(world, "b");
    world.until(() => settled(world) && ended(world) === 1);
    world.command({ kind: "rollback", mode: null, toVersion: null });
    world.until(() => during(world, ({ cursor }) => cursor >= 3));
    world.command({ kind: "abort", mode: null });
    world.until(() => settled(world) && ended(world) === 2);
    assert.deepEqual(revisions(world), new Set(["b"]));
    assert.deepEqual(world.state!.rejected, {});
    proved(world);
  });
});
