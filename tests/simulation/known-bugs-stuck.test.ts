import assert from "node:assert/strict";
import { poolSpec, redeclare } from "./intents";
import { deploy, ended, launchesOf, proved, readyOf, revisions, serving, settled, weights } from "./one-pool";

/** What has hurt the users of other systems, each under the number of its report: what never came to its end. */
describe("a rollout that is stuck elsewhere and not here", () => {
  it("obeys an abort while its canaries do not come up (argo#4128)", () => {
    const world = serving(4);
    world.behaviours.set("b", { bootMs: 3_600_000, start: "ready", drainMs: 500 });
    deploy(world, "b", 4);
    world.until(() => world.living().length === 5);
    world.command({ kind: "abort", mode: null });
    world.until(ended(world, 1), 30);
    assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
    proved(world);
  });

  it("goes back at its deadline, whatever it waits for (tf-aws#21656)", () => {
    const world = serving(4);
    world.behaviours.set("b", { bootMs: 3_600_000, start: "ready", drainMs: 500 });
    world.declare((intent) => {
      redeclare(intent, [
        poolSpec("p", "b", 4, { readiness: { ...poolSpec("p", "b", 4).readiness, startupGraceSeconds: 7200 } }),
      ]);
      intent.rollout!.strategy = { ...intent.rollout!.strategy, timeoutSeconds: 60 };
    });
    world.until(ended(world, 1), 120);
    assert.match(world.state!.lastOutcome!.reason!, /timeout of 60 s/);
    proved(world);
  });

  it("goes back at its deadline also when only the last old replicas have to go (flagger#379, flagger#1588, flagger#1591)", () => {
    const world = serving(4);
    deploy(world, "b", 4);
    world.declare((intent) => (intent.rollout!.strategy = { ...intent.rollout!.strategy, timeoutSeconds: 25 }));
    world.until(() => weights(world).primary === 0, 25);
    world.behaviours.set("a", { bootMs: 500, start: "ready", drainMs: 3_600_000 });
    world.until(ended(world, 1), 60, () => assert.ok(readyOf(world, "a") + readyOf(world, "b") >= 4));
    assert.match(world.state!.lastOutcome!.reason!, /timeout of 25 s \(it was at: down to 100 %/);
    world.until(() => settled(world));
    assert.deepEqual(revisions(world), ["a"]);
    proved(world);
  });

  it("arrives although the cloud's listing leaves out half of the replicas again and again (argo#3316, argo#2522, argo#1677)", () => {
    const world = serving(4);
    const begun = world.now;
    deploy(world, "b", 4);
    world.until(ended(world, 1), 600, () => {
      const leavesOut = Math.floor((world.now - begun) / 3000) % 2 === 0;
      world.unlisted = (replica) => leavesOut && Number(replica.split("-")[1]) % 2 === 0;
      assert.ok(readyOf(world, "a") + readyOf(world, "b") >= 4);
    });
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    assert.equal(launchesOf(world, "b"), 4, "nobody is launched twice");
    world.until(() => settled(world));
    proved(world);
  });

  it("rolls forward although the old version is unhealthy (argo#995, argo#1774)", () => {
    const world = serving(4);
    for (const vm of world.living()) vm.sick = true;
    world.behaviours.set("a", { bootMs: 500, start: "never", drainMs: 500 });
    world.until(() => readyOf(world, "a") === 0);
    deploy(world, "b", 4);
    world.until(ended(world, 1), 600);
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    assert.deepEqual(revisions(world), ["b"]);
    proved(world);
  });

  it("arrives although machines come and go to the very end (argo#4365)", () => {
    const world = serving(6);
    deploy(world, "b", 6);
    for (let losses = 0; losses < 6; losses += 1) {
      const cursor = world.state!.rollout?.cursor ?? 0;
      world.until(() => world.state!.rollout === null || world.state!.rollout.cursor >= cursor + 2);
      const mine = world.living().filter(({ phase, revision }) => phase === "up" && revision === "b");
      if (world.state!.rollout !== null && mine.length > 0) world.lose(mine[0]!.replica);
    }
    world.until(() => settled(world));
    assert.deepEqual(revisions(world), ["b"]);
    proved(world);
  });

  it("replaces an unhealthy canary that a notice takes, and the rollout goes on (nomad#25726)", () => {
    const world = serving(4);
    deploy(world, "b", 4);
    world.until(() => weights(world).canary >= 50 && readyOf(world, "b") >= 2);
    const canary = world.living().find(({ revision }) => revision === "b")!;
    canary.sick = true;
    world.until(() => world.state!.replicas[canary.replica]!.status === "notReady");
    world.notice(canary.replica, 5);
    world.until(() => canary.phase === "ended", 10);
    world.until(ended(world, 1), 600);
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    assert.ok(launchesOf(world, "b") > 4);
    world.until(() => settled(world));
    proved(world);
  });

  it("waits for a full cluster instead of ending what serves to make room (open-bank-oss#3545)", () => {
    const world = serving(1);
    world.refusals = 100;
    deploy(world, "b", 1);
    world.until(ended(world, 1), 3600, () => assert.ok(readyOf(world, "a") + readyOf(world, "b") >= 1));
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    proved(world);
  });
});
