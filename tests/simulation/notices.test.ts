import assert from "node:assert/strict";
import type { ServeEvent } from "../../provider/core/events";
import { surge } from "../core/strategies";
import { declareRevision, during, rolloutOf, serving, settled } from "./service";
import { proved } from "./one-pool";
import type { World } from "./world";

const pool = (replicas: number) => [{ name: "p", replicas }];

/** Where requests go to. */
function routed(world: World): string[] {
  return (world.routing?.routes ?? []).flatMap(({ primary, canary }) =>
    [...(primary?.replicas ?? []), ...(canary?.replicas ?? [])].map(({ id }) => id),
  );
}

function launches(world: World): Extract<ServeEvent, { kind: "replicaLaunching" }>[] {
  return world.log.filter((event) => event.kind === "replicaLaunching");
}

describe("a notice that a VM will be taken", () => {
  it("takes the replica out of the routing and asks for another one in the same tick (aws-karpenter#6362)", () => {
    const world = serving(pool(3));
    const [first] = routed(world);
    const before = launches(world).length;
    world.notice(first!, 120);
    world.tick();
    assert.ok(!routed(world).includes(first!));
    assert.equal(world.state!.replicas[first!]!.status, "draining");
    assert.equal(launches(world).length, before + 1);
    proved(world);
  });

  it("lets running requests go on until the VM is taken, and no longer", () => {
    const world = serving(pool(2));
    world.behaviours.set("a", { bootMs: 1000, start: "ready", drainMs: 600_000 });
    const [first] = routed(world);
    world.notice(first!, 20);
    const noticedAt = world.now;
    world.until(() => world.vms.get(first!)!.phase !== "up", 60);
    const lasted = (world.now - noticedAt) / 1000;
    assert.ok(lasted >= 20 && lasted < 21, `it was ended after ${lasted} s`);
    proved(world);
  });

  it("ends the replica all the same when the loss never comes, and leaves the service whole", () => {
    const world = serving(pool(2));
    const [first] = routed(world);
    world.notice(first!, 3_600);
    world.tick();
    world.until(() => settled(world), 60);
    assert.ok(!world.living().some(({ replica }) => replica === first));
    assert.equal(world.living().length, 2);
    proved(world);
  });

  it("is not needed for what follows: the loss before its time is a loss like any other", () => {
    const world = serving(pool(3));
    const [first, second] = routed(world);
    world.notice(first!, 120);
    world.tick();
    world.lose(first!);
    world.lose(second!);
    world.until(() => settled(world), 60);
    assert.equal(world.living().length, 3);
    proved(world);
  });

  it("keeps the last replica in the routing until another one is ready (karpenter#2689)", () => {
    const world = serving(pool(1));
    const [only] = routed(world);
    world.notice(only!, 120);
    world.until(
      () => !routed(world).includes(only!),
      60,
      () => assert.equal(routed(world).length, 1, "never nobody"),
    );
    world.until(() => settled(world), 60);
    proved(world);
  });

  it("ends at once what was only on its way to serve, or on its way out", () => {
    const world = serving(pool(2));
    world.behaviours.set("a", { bootMs: 60_000, start: "ready", drainMs: 60_000 });
    const [first, second] = routed(world);
    world.lose(first!);
    world.until(() => Object.values(world.state!.replicas).some(({ status }) => status === "starting"));
    const starting = Object.values(world.state!.replicas).find(({ status }) => status === "starting")!.id;
    world.notice(starting, 120);
    world.until(() => world.vms.get(starting)!.phase === "ended", 5);
    assert.deepEqual(routed(world), [second]);
    proved(world);
  });

  it("does not count against the cap of a rollout: the replacement does not wait for the VM", () => {
    const world = serving(pool(4), surge(25));
    world.behaviours.set("a", { bootMs: 1000, start: "ready", drainMs: 60_000 });
    declareRevision(world, "b");
    world.until(() => world.living().length === 5);
    const [first] = routed(world);
    world.notice(first!, 30);
    world.tick();
    assert.equal(world.living().length, 6, "five that count, and the one under notice");
    world.until(() => settled(world), 600);
    proved(world);
  });

  it("in mid-rollout holds it, lowers the weight, replaces and goes on, whichever side it strikes", () => {
    for (const side of ["canary", "primary"] as const) {
      for (const isFollowed of [true, false]) {
        const world = serving(pool(4), surge(25, { bakeSeconds: 5 }));
        declareRevision(world, "b");
        world.until(() =>
          during(world, ({ settledAt, plan, cursor }) => settledAt !== null && plan[cursor]!.percent === 50),
        );
        const { cursor } = rolloutOf(world);
        const struck = world.routing!.routes[0]![side]!.replicas[0]!.id;
        world.notice(struck, 10);
        world.tick();
        assert.ok(!routed(world).includes(struck));
        assert.equal(rolloutOf(world).cursor, cursor, "it goes nowhere while it repairs");
        const { weights } = world.state!.routing;
        const { canary, primary } = world.routing!.routes[0]!;
        const isFair = weights.canary * primary!.replicas.length <= weights.primary * canary!.replicas.length;
        assert.ok(isFair, "the canary gets no more than its part of what is left");
        if (isFollowed)
          world.until(() => world.now > world.notices.get(struck)! || world.vms.get(struck)!.phase === "ended");
        if (world.vms.get(struck)!.phase !== "ended") world.lose(struck);
        world.until(() => settled(world), 600);
        assert.equal(world.state!.lastOutcome!.kind, "promoted", `${side} ${isFollowed}`);
        proved(world);
      }
    }
  });

  it("to every replica at once costs nobody a request's chance while one still runs", () => {
    const world = serving(pool(4));
    for (const id of routed(world)) world.notice(id, 30);
    world.tick();
    world.until(
      () => settled(world),
      600,
      () => assert.ok(routed(world).length > 0),
    );
    assert.equal(world.living().length, 4);
    proved(world);
  });
});
