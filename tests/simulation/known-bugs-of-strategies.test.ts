import assert from "node:assert/strict";
import { poolProgress, rolloutProgress } from "../../provider/core/follow";
import { blueGreen, rolling, surge } from "../core/strategies";
import { intentOf, poolSpec, redeclare } from "./intents";
import { deploy, ended, ids, proved, readyOf, revisions, serving, settled } from "./one-pool";
import { declareRevision, during, serving as servingBy } from "./service";
import { World } from "./world";

/** What has hurt the users of other systems, each under the number of its report: what a strategy decides. */
describe("a bug of others that no strategy has here", () => {
  it("a rolling update whose new replicas fail ends one wave of old ones and no more (ray#66253)", () => {
    const world = servingBy([{ name: "p", replicas: 5 }], rolling(20));
    world.behaviours.set("b", { bootMs: 500, start: "exits", drainMs: 500 });
    declareRevision(world, "b");
    world.until(ended(world, 1), 600, () => assert.ok(readyOf(world, "a") >= 4));
    assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
    world.until(() => settled(world));
    assert.equal(readyOf(world, "a"), 5);
    proved(world);
  });

  it("a single machine for old and new gets no request while nothing on it serves (knative-serving-progressive-rollout#203)", () => {
    const world = servingBy([{ name: "p", replicas: 1 }], rolling(20, { allowOutage: true }));
    declareRevision(world, "b");
    let wasAlone = false;
    world.until(ended(world, 1), 600, () => {
      assert.ok(world.living().length <= 1);
      const [route] = world.routing!.routes;
      const members = [...(route!.canary?.replicas ?? []), ...(route!.primary?.replicas ?? [])];
      for (const { id } of members) assert.equal(world.vms.get(id)!.phase, "up", `${id} is routed to`);
      wasAlone ||= members.length === 0;
    });
    assert.ok(wasAlone, "the old one goes before the new one comes");
    assert.deepEqual(revisions(world), ["b"]);
    proved(world);
  });

  it("blueGreen without room for a second fleet leaves the first one alone, and waits (containers-roadmap#675, containers-roadmap#713)", () => {
    const world = servingBy([{ name: "p", replicas: 4 }], blueGreen());
    const old = ids(world);
    world.refusals = Number.POSITIVE_INFINITY;
    declareRevision(world, "b");
    for (let tick = 0; tick < 1000; tick += 1) world.tick();
    assert.deepEqual(ids(world), old);
    assert.equal(world.state!.rollout!.direction.kind, "forward");
    proved(world);
  });

  it("a version that is brought back waits for no gate and no bake (nomad#10882)", () => {
    const gates = [{ kind: "command", secret: "fails", timeoutSeconds: 1 }] as const;
    const world = servingBy([{ name: "p", replicas: 4 }], surge(25));
    declareRevision(world, "b", surge(25, { bakeSeconds: 30, gates: [...gates] }));
    world.answerToGate = () => ({ outcome: "passed", reason: "" });
    world.until(ended(world, 1));
    world.answerToGate = () => ({ outcome: "failed", reason: "" });
    const from = world.now;
    world.command({ kind: "rollback", mode: null, toVersion: null });
    world.until(ended(world, 2));
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    assert.ok(world.now - from < 30_000, "a bake was waited for");
    proved(world);
  });

  it("an abort is obeyed after a promote of the hold (argo#4461)", () => {
    const world = servingBy([{ name: "p", replicas: 8 }], surge(25, { canaryPercent: 25 }));
    declareRevision(world, "b");
    world.until(() => during(world, ({ held }) => held !== null));
    world.command({ kind: "promote", force: false });
    world.until(() => during(world, ({ held, cursor }) => held === null && cursor >= 2));
    world.command({ kind: "abort", mode: null });
    world.until(() => settled(world));
    assert.deepEqual(revisions(world), ["a"]);
    proved(world);
  });

  it("more replicas that wait for capacity do not trip the deadline (flagger#944)", () => {
    const world = servingBy([{ name: "p", replicas: 4 }], surge(25, { timeoutSeconds: 60 }));
    declareRevision(world, "b");
    world.until(() => during(world, ({ cursor }) => cursor === 2));
    world.refusals = 150;
    world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 8)]));
    world.until(ended(world, 1));
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    proved(world);
  });

  describe("what `up` says", () => {
    it("is over only when the rollout is (tf-aws#42355)", () => {
      const world = serving(4);
      deploy(world, "b", 4);
      const told = () => rolloutProgress(world.intent, world.state, world.intent.rollout!.target).kind;
      world.until(ended(world, 1), 600, () => {
        if (world.state!.rollout !== null) assert.notEqual(told(), "done");
      });
      world.tick();
      assert.equal(told(), "done");
    });

    for (const [start, starts] of [
      ["never", "a failed start"],
      ["exits", "3 failed starts in a row"],
    ] as const) {
      it(`counts the starts of a pool that does not come up as they were: ${starts}`, () => {
        const world = new World(intentOf([poolSpec("p", "a", 1)]));
        world.behaviours.set("a", { bootMs: 500, start, drainMs: 0 });
        const told = () => poolProgress(world.intent, world.state, "p");
        world.until(() => told().kind === "failed", 120);
        const progress = told();
        const [reason] = progress.kind === "failed" ? progress.reasons : [""];
        assert.ok(reason.startsWith(`pool "p" does not come up, after ${starts}: p-`), reason);
      });
    }
  });

  it("comes back from the loss of a whole version without notice, at any step (skypilot#5345)", () => {
    for (const victim of ["a", "b"]) {
      for (let step = 1; step <= 9; step += 2) {
        const world = serving(4);
        deploy(world, "b", 4);
        world.until(() => (world.state!.rollout?.cursor ?? 0) >= step || world.state!.rollout === null);
        for (const { replica, revision } of world.living()) if (revision === victim) world.lose(replica);
        world.until(() => settled(world));
        assert.deepEqual(revisions(world), ["b"], `${victim} lost at step ${step}`);
        proved(world);
      }
    }
  });
});
