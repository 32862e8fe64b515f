import assert from "node:assert/strict";
import { poolProgress } from "../../../provider/core/follow";
import { planReturn } from "../../../provider/core/plan/path";
import { surge } from "../../core/strategies";
import { poolSpec, redeclare } from "../intents";
import { deploy, proved, readyOf, revisions, serving, settled, weights } from "../one-pool";
import * as several from "../service";

describe("what the simulator has found, told again", () => {
  it("serves a pool by the version that is left there, whatever split the rollout's other pools need", () => {
    const world = several.serving(
      [
        { name: "p", replicas: 1 },
        { name: "q", replicas: 2 },
      ],
      surge(10, { canaryPercent: 5 }),
    );
    several.declareRevision(world, "b");
    world.until(() => several.during(world, ({ held }) => held !== null));
    const of = (pool: string, revision: string) =>
      world.living().filter((vm) => vm.replica.startsWith(`${pool}-`) && vm.revision === revision);
    of("q", "b").forEach((vm) => (vm.sick = true));
    world.until(() => several.canaryTraffic(world) === 0);
    world.refusals = 1_000;
    of("p", "a").forEach(({ replica }) => world.lose(replica));
    world.until(() => {
      const canary = world.routing!.routes.find(({ pool }) => pool === "p")?.canary;
      return canary !== null && canary !== undefined && canary.weight > 0 && canary.replicas.length === 1;
    }, 60);
    proved(world);
  });

  it("takes the program's number of replicas after a rollback by hand, also where it is the one of long ago", () => {
    const world = serving(1);
    deploy(world, "b", 2);
    world.until(() => settled(world));
    world.command({ kind: "rollback", mode: null, toVersion: null });
    world.until(() => world.state!.rollout !== null);
    world.until(() => settled(world));
    assert.equal(world.living().length, 2, "the load of today");
    deploy(world, "a", 1);
    world.until(() => poolProgress(world.intent, world.state, "p").kind === "done", 600);
    assert.equal(world.living().length, 1);
    proved(world);
  });

  it("takes nobody out of service on a predecessor's word for who is ready", () => {
    const world = serving(2);
    const [first, second] = world.living();
    world.unprobed = true;
    second!.sick = true;
    deploy(world, "a", 1);
    const isDraining = () => world.log.some(({ kind }) => kind === "replicaDraining");
    for (let seconds = 0; seconds < 10; seconds += 1) world.tick(1_000, 0);
    assert.equal(isDraining(), false);
    world.unprobed = false;
    world.until(() => settled(world));
    assert.deepEqual(world.living(), [first]);
    proved(world);
  });

  it("takes no step of a rollout on a predecessor's word for who is ready", () => {
    const world = serving(4);
    deploy(world, "b", 4);
    world.until(() => world.state!.rollout?.cursor === 1);
    world.command({ kind: "pause" });
    world.until(() => readyOf(world, "b") === 1);
    const canary = world.living().find(({ revision }) => revision === "b")!;
    world.unprobed = true;
    canary.sick = true;
    world.command({ kind: "resume" });
    for (let seconds = 0; seconds < 10; seconds += 1) world.tick(1_000, 0);
    assert.equal(weights(world).canary, 0);
    world.unprobed = false;
    canary.sick = false;
    world.until(() => settled(world));
    assert.deepEqual(revisions(world), ["b"]);
    proved(world);
  });

  it("gives the canary no more than it has on the way to a lower hold, also when the primary lost replicas", () => {
    const world = serving(3);
    deploy(world, "b", 3);
    const canaries = () => world.living().filter(({ revision }) => revision === "b").length;
    world.until(() => weights(world).canary === 1 && canaries() === 2);
    world.refusals = 1_000;
    world.lose(world.living().find(({ revision }) => revision === "a")!.replica);
    world.until(() => readyOf(world, "b") === 2, 60);
    world.declare(({ rollout }) => (rollout!.strategy = surge(25, { canaryPercent: 25 })));
    world.until(() => world.log.some(({ kind }) => kind === "rolloutReplanned"));
    for (let seconds = 0; seconds < 10; seconds += 1) {
      const { canary, primary } = weights(world);
      assert.ok(canary <= primary, `${canary}:${primary}`);
      world.tick(1_000);
    }
    world.refusals = 0;
    world.until(() => world.state!.rollout?.held?.percent === 25);
    proved(world);
  });

  it("reaches a lower hold from a split that the primary can no longer carry", () => {
    const world = serving(5, 34);
    deploy(world, "b", 12);
    world.until(() => (world.state!.rollout?.plan[world.state!.rollout.cursor]?.percent ?? 0) >= 68);
    world.refusals = 1_000;
    world.until(() => readyOf(world, "a") <= 4, 60);
    world.lose(world.living().find(({ revision }) => revision === "b")!.replica);
    world.declare(({ rollout }) => (rollout!.strategy = surge(34, { canaryPercent: 5 })));
    deploy(world, "b", 1);
    world.until(() => world.log.some(({ kind }) => kind === "rolloutReplanned"), 60);
    world.refusals = 0;
    world.until(() => world.state!.rollout?.held?.percent === 5);
    proved(world);
  });

  it("gives the canary its own time to drain when the service is deleted in mid-rollout", () => {
    const world = serving(2);
    world.behaviours.set("b", { bootMs: 100, start: "ready", drainMs: 5_000 });
    world.declare((intent) => redeclare(intent, [{ ...poolSpec("p", "b", 2), drainSeconds: 90 }]));
    world.until(() => readyOf(world, "b") > 0);
    world.declare((intent) => (intent.service.deleting = true));
    const draining = () =>
      Object.values(world.state!.replicas).filter((each) => each.revision === "b" && each.status === "draining");
    world.until(() => draining().length > 0);
    for (const { drainDeadline, drainSince } of draining()) assert.equal(drainDeadline! - drainSince!, 90_000);
  });

  it("begins no rollout for a pool that is being deleted", () => {
    const world = several.serving([
      { name: "p", replicas: 1 },
      { name: "q", replicas: 2 },
    ]);
    world.behaviours.set("a", { bootMs: 100, start: "ready", drainMs: 5_000 });
    several.declareRevision(world, "b");
    world.declare((intent) => (intent.pools["q"]!.deleting = true));
    world.until(() => world.state!.pools["q"] === undefined);
    const started = world.log.filter(({ kind }) => kind === "rolloutStarted");
    assert.equal(started.length, 1);
    proved(world);
  });

  it("makes no room in a pool on the way back before another has what it lost of the primary (final/7382)", () => {
    const pools = [
      { name: "p", from: 4, to: 4 },
      { name: "q", from: 7, to: 7 },
    ];
    const { states } = planReturn({
      strategy: surge(20),
      maxSurgePercent: 25,
      pools,
      // Of p two primaries are lost: until one is back, q needs all of its canaries for the split that this makes.
      begin: {
        percent: 25,
        pools: { p: { canary: 1, primary: 2 }, q: { canary: 3, primary: 6 } },
        weights: { canary: 1, primary: 3 },
      },
    });
    const counts = states.slice(0, 3).map((state) => [state.pools["p"], state.pools["q"]]);
    assert.deepEqual(counts, [
      [
        { canary: 1, primary: 2 },
        { canary: 3, primary: 6 },
      ],
      [
        { canary: 1, primary: 3 },
        { canary: 3, primary: 6 },
      ],
      [
        { canary: 1, primary: 3 },
        { canary: 2, primary: 6 },
      ],
    ]);
  });
});
