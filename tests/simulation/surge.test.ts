import assert from "node:assert/strict";
import fc from "fast-check";
import { checkEvents } from "../../provider/core/check/check";
import { rolloutProgress, servesTarget } from "../../provider/core/follow";
import { intentOf, poolSpec, redeclare } from "./intents";
import { violations } from "./invariants";
import { revisions, serving, settled } from "./service";
import { LAST_FAULT_TICK, scenarios, specsOf, tickWithFaults } from "./scenario";
import { World } from "./world";

describe("a surge rollout in the simulated world", () => {
  it("visits exactly the planned replicas and ends with the canary as primary", () => {
    const world = serving([{ name: "p", replicas: 4 }]);
    world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 4)]));
    let peak = 0;
    world.until(
      () => world.log.some(({ kind }) => kind === "rolloutEnded"),
      3600,
      () => {
        peak = Math.max(peak, world.living().length);
        assert.deepEqual(violations(world, { happened: false }), []);
      },
    );
    assert.equal(peak, 5);
    assert.deepEqual(revisions(world), new Set(["b"]));
    assert.equal(world.state!.lastOutcome?.kind, "promoted");
  });

  it("rolls back a canary that never gets ready, rejects it, and tries again only when told", () => {
    const world = serving([{ name: "p", replicas: 4 }]);
    world.behaviours.set("b", { bootMs: 500, start: "exits", drainMs: 500 });
    world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 4)]));
    const ended = (count: number) => () => world.log.filter(({ kind }) => kind === "rolloutEnded").length === count;
    world.until(ended(1), 120, () => assert.deepEqual(violations(world, { happened: false }), []));
    assert.equal(world.state!.lastOutcome?.kind, "rolledBack");
    const told = rolloutProgress(world.intent, world.state, world.intent.rollout!.target);
    assert.equal(told.kind, "failed");

    const launched = world.vms.size;
    for (let count = 0; count < 100; count += 1) world.tick();
    assert.equal(world.vms.size, launched, "a rejected revision is not started by itself");

    world.behaviours.delete("b");
    world.command({ kind: "retry" });
    world.until(ended(2));
    assert.equal(world.state!.lastOutcome?.kind, "promoted");
  });

  it("is success without moving when the program goes back to what serves after a rejection", () => {
    const world = serving([{ name: "p", replicas: 2 }]);
    world.behaviours.set("b", { bootMs: 500, start: "never", drainMs: 500 });
    world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 2)]));
    world.until(() => world.state!.lastOutcome?.kind === "rolledBack");
    const launched = world.vms.size;
    world.declare((intent) => redeclare(intent, [poolSpec("p", "a", 2)]));
    world.tick();
    assert.equal(rolloutProgress(world.intent, world.state, world.intent.rollout!.target).kind, "done");
    for (let count = 0; count < 50; count += 1) world.tick();
    assert.equal(world.vms.size, launched);
  });

  it("rolls back without losing capacity when an operator aborts at any step", () => {
    for (let step = 1; step <= 12; step += 1) {
      const world = serving([{ name: "p", replicas: 4 }]);
      world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 4)]));
      world.until(() => (world.state!.rollout?.cursor ?? 0) >= step || world.state!.lastOutcome !== null);
      if (world.state!.lastOutcome !== null) continue;
      world.command({ kind: "abort", mode: null });
      world.until(
        () => world.state!.rollout === null,
        600,
        () => assert.deepEqual(violations(world, { happened: false }), [], `aborted at step ${step}`),
      );
      assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
      world.until(() => settled(world));
      assert.deepEqual(revisions(world), new Set(["a"]));
    }
  });

  it("returns to what serves when the program is reverted in mid-rollout, and rejects nothing", () => {
    const world = serving([{ name: "p", replicas: 4 }]);
    world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 4)]));
    world.until(() => (world.state!.rollout?.cursor ?? 0) >= 6);
    world.declare((intent) => redeclare(intent, [poolSpec("p", "a", 4)]));
    world.until(
      () => settled(world),
      600,
      () => assert.deepEqual(violations(world, { happened: false }), []),
    );
    assert.deepEqual(revisions(world), new Set(["a"]));
    assert.deepEqual(world.state!.rejected, {});
    assert.equal(servesTarget(world.state!, world.intent.rollout!.target), true);
  });

  it("waits for capacity instead of failing when the cloud has nothing to give", () => {
    const world = serving([{ name: "p", replicas: 4 }]);
    world.refusals = 20;
    world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 4)]));
    world.until(() => world.log.some(({ kind }) => kind === "rolloutEnded"));
    assert.equal(world.state!.lastOutcome?.kind, "promoted");
  });

  it("repairs what is lost in mid-rollout and still arrives", () => {
    const world = serving([{ name: "p", replicas: 4 }]);
    world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 4)]));
    world.until(() => (world.state!.rollout?.cursor ?? 0) >= 5);
    world.lose(world.living()[0]!.replica);
    world.until(
      () => settled(world),
      600,
      () => assert.deepEqual(violations(world, { happened: true }), []),
    );
    assert.deepEqual(revisions(world), new Set(["b"]));
  });

  it("holds where it is when nobody drives", () => {
    const world = serving([{ name: "p", replicas: 4 }]);
    world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 4)]));
    world.until(() => (world.state!.rollout?.cursor ?? 0) >= 4);
    world.declare((intent) => (intent.rollout!.driving = false));
    world.tick();
    const { cursor } = world.state!.rollout!;
    for (let count = 0; count < 200; count += 1) world.tick();
    assert.equal(world.state!.rollout!.cursor, cursor);
  });

  it("ends everything that it made when the service is deleted, in any state", () => {
    for (let step = 0; step < 12; step += 1) {
      const world = serving([{ name: "p", replicas: 4 }]);
      world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 4)]));
      world.until(() => (world.state!.rollout?.cursor ?? 0) >= step || world.state!.lastOutcome !== null);
      world.declare((intent) => (intent.service.deleting = true));
      world.until(() => world.dissolved);
      assert.equal(world.living().length, 0);
    }
  });

  it("changes the number of replicas without touching any other replica", () => {
    const world = serving([{ name: "p", replicas: 2 }]);
    const before = world.living().map(({ replica }) => replica);
    world.declare((intent) => redeclare(intent, [poolSpec("p", "a", 5)]));
    world.until(() => settled(world));
    const after = world.living().map(({ replica }) => replica);
    assert.equal(after.length, 5);
    assert.ok(before.every((replica) => after.includes(replica)));
    world.declare((intent) => redeclare(intent, [poolSpec("p", "a", 3)]));
    world.until(
      () => settled(world),
      600,
      () => assert.deepEqual(violations(world, { happened: false }), []),
    );
    assert.equal(world.living().length, 3);
  });

  it("gives up a first revision that never comes up until it is declared again", () => {
    const world = new World(intentOf([poolSpec("p", "a", 2)]));
    world.behaviours.set("a", { bootMs: 100, start: "exits", drainMs: 0 });
    for (let count = 0; count < 300; count += 1) world.tick();
    const launched = world.vms.size;
    for (let count = 0; count < 300; count += 1) world.tick();
    assert.equal(world.vms.size, launched);
    world.behaviours.delete("a");
    world.declare((intent) => redeclare(intent, [poolSpec("p", "a", 2)]));
    world.until(() => settled(world));
  });

  it("keeps every invariant for random services, surges, sizes, crashes, losses and intents, and its log proves it", () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const world = new World(intentOf(specsOf(scenario, "a"), scenario.surge));
        world.until(() => settled(world));
        world.declare((intent) => redeclare(intent, specsOf(scenario, "b")));
        const losses = { happened: false };
        for (let tick = 0; tick < 6000 && !(tick > LAST_FAULT_TICK && settled(world)); tick += 1) {
          losses.happened = tickWithFaults(world, scenario, tick) || losses.happened;
          const broken = violations(world, losses);
          if (broken.length > 0) assert.fail(`tick ${tick}: ${broken.join("; ")} ${JSON.stringify(world.summary())}`);
        }
        assert.ok(settled(world), `not settled: ${JSON.stringify(world.summary())}`);
        assert.equal(revisions(world).size, 1);
        world.declare((intent) => (intent.service.deleting = true));
        world.until(() => world.dissolved);
        const refuted = checkEvents(world.log).verdicts.flatMap(({ violation }) => violation ?? []);
        assert.deepEqual(refuted, []);
      }),
      { numRuns: 80 },
    );
  }).timeout(120_000);
});
