import assert from "node:assert/strict";
import { poolRemovalProgress } from "../../../provider/core/follow";
import { takeOver } from "../../../provider/core/draft";
import { createPool } from "../../../provider/core/declare";
import { isBroken } from "../../../provider/core/fleet/failures";
import { blueGreen, inPlace, surge } from "../../core/strategies";
import { poolSpec } from "../intents";
import { deploy, proved, readyOf, serving, settled } from "../one-pool";
import * as several from "../service";
import type { World } from "../world";

describe("what the simulator has found of replicas that end, told again", () => {
  it("ends the last replica of a deleted service too, where a notice that nothing followed hangs over it", () => {
    const world = serving(1);
    const [only] = world.living();
    world.refusals = 1_000;
    world.notice(only!.replica, 3_600);
    world.until(() => world.state!.replicas[only!.replica]?.noticedUntil !== null);
    world.declare((intent) => (intent.service.deleting = true));
    world.until(() => world.dissolved, 60);
    proved(world);
  });

  it("ends the last replica of a deleted pool too, where a notice hangs over it", () => {
    const world = several.serving([
      { name: "p", replicas: 1 },
      { name: "q", replicas: 1 },
    ]);
    const only = world.living().find(({ replica }) => replica.startsWith("q-"))!;
    world.refusals = 1_000;
    world.notice(only.replica, 3_600);
    world.until(() => world.state!.replicas[only.replica]?.noticedUntil !== null);
    world.declare((intent) => (intent.pools["q"]!.deleting = true));
    world.until(() => poolRemovalProgress(world.intent, world.state, "q").kind === "done", 60);
    proved(world);
  });

  it("does not end a replica that failed its probes before its agent slept, without having probed it since", () => {
    const world = serving(1);
    const [only] = world.living();
    only!.sick = true;
    world.until(() => world.state!.replicas[only!.replica]?.status === "notReady");
    only!.sick = false;
    world.unprobed = true;
    world.tick(600_000);
    world.tick(1_000);
    world.unprobed = false;
    world.until(() => settled(world), 60);
    assert.deepEqual(world.living(), [only]);
    proved(world);
  });

  it("takes a replica that fails for good out of the routing before it ends it, also when nobody else is there", () => {
    const world = serving(1);
    const [only] = world.living();
    only!.sick = true;
    world.refusals = 1_000;
    world.until(
      () => !world.living().includes(only!),
      120,
      () => {
        const routed = world.routing!.routes[0]!.primary!.replicas.some(({ id }) => id === only!.replica);
        if (only!.phase === "ending") assert.equal(routed, false);
      },
    );
    world.refusals = 0;
    world.until(() => settled(world));
    proved(world);
  });

  it("holds a pool that is deleted and declared again in mid-rollout to no limit of that rollout", () => {
    const world = several.serving(
      [
        { name: "p", replicas: 2 },
        { name: "q", replicas: 1 },
      ],
      surge(25, { canaryPercent: 50 }),
    );
    several.declareRevision(world, "b");
    world.until(() => several.during(world, ({ held }) => held !== null));
    world.declare((intent) => (intent.pools["q"]!.deleting = true));
    world.until(() => world.state!.pools["q"] === undefined);
    world.declare((intent) => Object.assign(intent, createPool(intent, poolSpec("q", "b", 6, { route: "/" }))));
    world.until(() => Object.values(world.state!.replicas).filter(({ pool }) => pool === "q").length === 6);
    assert.equal(several.rolloutOf(world).cap["q"], undefined);
    proved(world);
  });

  for (const [when, seconds] of [
    ["as it should have left the routing", 600],
    ["until its notice had passed and was not followed", 10],
  ] as const) {
    it(`gives a replica its whole time to drain when the load balancer was away ${when}`, () => {
      const world = serving(2);
      world.behaviours.set("a", { bootMs: 100, start: "ready", drainMs: 60_000 });
      const [first] = world.living();
      world.dataPlaneUp = false;
      world.notice(first!.replica, seconds);
      world.until(() => world.state!.replicas[first!.replica]?.status === "draining");
      for (let ticks = 0; ticks < 60; ticks += 1) world.tick(1_000);
      world.dataPlaneUp = true;
      const back = world.now;
      world.until(() => !world.living().includes(first!));
      assert.ok(world.now - back >= 30_000, `${world.now - back} ms`);
      proved(world);
    });
  }

  it("gives a replica its whole time to drain when its notice passed, and was not followed, before it was seen out of the routing (q1/1115)", () => {
    const world = serving(2);
    world.behaviours.set("a", { bootMs: 100, start: "ready", drainMs: 20_000 });
    const [first] = world.living();
    world.notice(first!.replica, 0.2);
    world.until(() => world.state!.replicas[first!.replica]?.status === "draining");
    const left = world.now;
    world.until(() => !world.living().includes(first!));
    assert.ok(world.now - left >= 20_000, `${world.now - left} ms`);
    proved(world);
  });

  it("gives a replica that outlived its notice its whole time to drain", () => {
    const world = serving(1);
    world.behaviours.set("a", { bootMs: 100, start: "ready", drainMs: 20_000 });
    const [only] = world.living();
    world.refusals = 1_000;
    world.notice(only!.replica, 10);
    for (let seconds = 0; seconds < 20; seconds += 1) world.tick(1_000);
    world.refusals = 0;
    world.until(() => world.state!.replicas[only!.replica]?.status === "draining", 120);
    const left = world.now;
    world.until(() => !world.living().includes(only!));
    assert.ok(world.now - left >= 20_000, `${world.now - left} ms`);
    proved(world);
  });

  it("ends a rollback in place whose primary does not stay up by itself, when nothing is left of the canary", () => {
    const world = serving(1);
    world.declare((intent) => (intent.rollout!.strategy = inPlace(50, { allowOutage: true })));
    world.behaviours.set("b", { bootMs: 100, start: "exits", drainMs: 0 });
    deploy(world, "b", 1);
    world.until(() => world.log.some(({ kind }) => kind === "replicaRestarting"));
    world.behaviours.set("a", { bootMs: 100, start: "never", drainMs: 0 });
    world.until(() => world.state!.lastOutcome !== null, 1_200);
    assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
    world.behaviours.delete("a");
    world.until(() => settled(world), 1_200);
    proved(world);
  });

  for (const [name, strategy] of Object.entries({ surge: surge(25), blueGreen: blueGreen() })) {
    it(`ends a way back (${name}) whose primary does not stay up by itself, and is whole in one pool or the other`, () => {
      const pools = ["p", "q"].map((pool) => ({ name: pool, replicas: 2 }));
      const world = several.serving(pools, { ...strategy, bakeSeconds: 3_600 });
      several.declareRevision(world, "b");
      world.until(() => {
        if (several.during(world, ({ settledAt }) => settledAt !== null))
          world.command({ kind: "promote", force: false });
        return several.canaryTraffic(world) >= 75;
      });
      const failInTurn = () => {
        const failing = pools[Math.floor(world.now / 120_000) % pools.length]!.name;
        for (const vm of world.living()) vm.sick = vm.revision === "a" && vm.replica.startsWith(failing);
      };
      world.until(() => broken(world), 300, failInTurn);
      world.command({ kind: "abort", mode: null });
      world.until(
        () => world.state!.lastOutcome !== null,
        1_200,
        () => {
          failInTurn();
          for (const { primary, canary } of world.routing!.routes) {
            // Never by half of it where the canary is whole.
            if (canary?.replicas.length === 2 && canary.weight === 0) assert.equal(primary!.replicas.length, 2);
          }
        },
      );
      assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
      for (const vm of world.living()) vm.sick = false;
      world.until(() => settled(world), 1_200);
      proved(world);
    });
  }

  it("takes a drain back that never came into force, when whoever was to serve instead is sick by then", () => {
    const world = serving(2);
    deploy(world, "a", 1);
    world.tick(100, 0);
    const [drained, other] = world
      .living()
      .sort(
        (x, y) => Number(statusOf(world, y.replica) === "draining") - Number(statusOf(world, x.replica) === "draining"),
      );
    assert.equal(statusOf(world, drained!.replica), "draining");
    other!.sick = true;
    world.epoch += 1;
    world.unprobed = true;
    for (let seconds = 0; seconds < 10; seconds += 1) world.tick(1_000);
    assert.ok(routed(world).includes(drained!.replica), "taken out on a predecessor's word for who is ready");
    world.unprobed = false;
    world.until(
      () => world.log.some(({ kind }) => kind === "drainTakenBack"),
      60,
      () => assert.ok(routed(world).includes(drained!.replica)),
    );
    world.until(() => settled(world));
    assert.deepEqual(world.living(), [drained]);
    proved(world);
  });

  it("takes a drain back for a notice too, when whoever was left is found sick as soon as somebody looks", () => {
    const world = serving(2);
    const [noticed, other] = world.living();
    other!.sick = true;
    world.epoch += 1;
    world.unprobed = true;
    world.refusals = 1_000;
    world.notice(noticed!.replica, 60);
    world.tick();
    world.unprobed = false;
    world.until(
      () => statusOf(world, noticed!.replica) === "ready",
      10,
      () => assert.ok(routed(world).includes(noticed!.replica)),
    );
    other!.sick = false;
    world.until(() => statusOf(world, noticed!.replica) === "draining", 10);
    assert.equal(statusOf(world, other!.replica), "ready");
    world.lose(noticed!.replica);
    world.refusals = 0;
    world.until(() => settled(world));
    proved(world);
  });

  it("takes a drain back that never came into force, when more replicas are declared before its agent is replaced", () => {
    const world = serving(2);
    const before = world.living();
    deploy(world, "a", 1);
    world.tick(100, 0);
    assert.ok(before.some(({ replica }) => statusOf(world, replica) === "draining"));
    deploy(world, "a", 2);
    world.epoch += 1;
    world.until(
      () => settled(world),
      60,
      () => assert.equal(routed(world).length, 2),
    );
    assert.deepEqual(world.living(), before);
    proved(world);
  });

  it("takes no more drains back than there are replicas wanted again", () => {
    const world = serving(4);
    deploy(world, "a", 1);
    world.tick(100, 0);
    deploy(world, "a", 2);
    world.until(() => settled(world), 60);
    assert.equal(world.log.filter(({ kind }) => kind === "drainTakenBack").length, 1);
    assert.equal(world.vms.size, 4);
    proved(world);
  });

  it("takes no drain back of a pool that is being deleted", () => {
    const world = several.serving([
      { name: "p", replicas: 1 },
      { name: "q", replicas: 1 },
    ]);
    world.declare((intent) => (intent.pools["q"]!.deleting = true));
    for (let ticks = 0; ticks < 10; ticks += 1) world.tick(100, 0);
    world.until(() => poolRemovalProgress(world.intent, world.state, "q").kind === "done", 60);
    assert.equal(world.log.filter(({ kind }) => kind === "replicaDraining").length, 1);
    proved(world);
  });

  it("serves on by a replica that its predecessor gave up and told nobody, until another one is ready", () => {
    const world = serving(1);
    const [only] = world.living();
    lostUntold(world, only!);
    world.refusals = 20;
    world.until(
      () => readyOf(world, "a") === 1,
      600,
      () => assert.ok(routed(world).length === 1 && only!.phase === "up"),
    );
    assert.ok(world.log.some(({ kind }) => kind === "orphanSeen"));
    // It leaves the routing, and only then it is ended.
    world.until(() => settled(world) && !world.living().includes(only!), 60);
    proved(world);
  });

  it("deletes the service although a replica that was given up and told nobody still serves", () => {
    const world = serving(1);
    const [only] = world.living();
    lostUntold(world, only!);
    world.refusals = 1_000;
    world.declare((intent) => (intent.service.deleting = true));
    world.until(() => world.dissolved, 60);
    assert.notEqual(only!.phase, "up");
    proved(world);
  });

  it("ends no way back with a launch on its way that only the rollout's cap has room for", () => {
    const world = serving(10);
    world.declare((intent) => (intent.rollout!.strategy = surge(25, { rollback: { mode: "immediate" } })));
    world.behaviours.set("a", { bootMs: 100, start: "ready", drainMs: 20_000 });
    deploy(world, "b", 10);
    const of = (status: string) => Object.values(world.state!.replicas).filter((each) => each.status === status);
    world.until(() => of("draining").length === 2);
    const canaries = world.living().filter(({ revision }) => revision === "b");
    canaries.forEach((vm) => (vm.sick = true));
    world.until(() => of("terminating").length === canaries.length);
    // One of them is seen to be gone before the others, and its place is given away; the launch takes a while to arrive.
    world.unlisted = (replica) => replica === canaries[0]!.replica;
    world.tick(100, 0);
    assert.ok(of("launching").length > 0);
    while (world.state!.rollout !== null) world.tick(100, of("terminating").length > 0 ? 0 : Infinity);
    const left = world.living().length;
    for (let ticks = 0; ticks < 10; ticks += 1) {
      world.tick();
      assert.ok(world.living().length <= Math.max(left, 10), `${world.living().length} VMs, and ${left} before`);
    }
    world.until(() => settled(world));
    proved(world);
  });

  for (const [when, state] of [
    ["before the canaries have requests", "up"],
    ["when they have some", "shift"],
  ] as const) {
    it(`goes on with a gradual way back ${when}, where a primary is lost that has no room beside them any more`, () => {
      const world = serving(8, 100);
      world.declare((intent) => {
        const rollback = { mode: "gradual", maxSurgePercent: 10 } as const;
        intent.rollout!.strategy = surge(100, { rollback, canaryPercent: 25 });
      });
      deploy(world, "b", 8);
      world.until(() => several.during(world, ({ plan, cursor }) => plan[cursor]!.kind === state));
      world.command({ kind: "pause" });
      world.until(() => readyOf(world, "b") === 2);
      const sick = world.living().find(({ revision }) => revision === "a")!;
      sick.sick = true;
      world.until(() => world.state!.replicas[sick.replica]?.status === "notReady");
      world.command({ kind: "abort", mode: null });
      world.until(() => world.state!.lastOutcome !== null, 600);
      assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
      world.until(() => settled(world));
      assert.equal(readyOf(world, "a"), 8);
      proved(world);
    });
  }
});

/** Some pool's revision has failed too often. */
function broken({ state }: World): boolean {
  return Object.values(state!.pools).some(({ failures }) => isBroken(failures));
}

function statusOf({ state }: World, replica: string): string | undefined {
  return state!.replicas[replica]?.status;
}

/** Its listing hides a replica that fails its probes for a moment, so its agent gives it up, and dies before it acts. */
function lostUntold(world: World, vm: ReturnType<World["living"]>[number]): void {
  vm.sick = true;
  world.unlisted = (replica) => replica === vm.replica;
  world.tick(100, 0);
  assert.equal(statusOf(world, vm.replica), undefined);
  vm.sick = false;
  world.unlisted = () => false;
  world.state = takeOver(world.state, (world.epoch += 1));
}

/** Who gets requests now. */
function routed({ routing }: World): string[] {
  const versions = routing!.routes.flatMap(({ primary, canary }) => [primary, canary]);
  return versions.flatMap((version) => version?.replicas.map(({ id }) => id) ?? []);
}
