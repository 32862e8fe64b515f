import assert from "node:assert/strict";
import { blueGreen, surge } from "../../core/strategies";
import { deploy, proved, readyOf, serving, weights } from "../one-pool";
import { poolSpec, redeclare } from "../intents";
import * as several from "../service";
import type { World } from "../world";

/** What the pool's route gives canary and primary. */
function split(world: World, pool = "p"): [canary: number, primary: number] {
  const route = world.routing!.routes.find((each) => each.pool === pool)!;
  return [route.canary?.weight ?? 0, route.primary?.weight ?? 0];
}

function loseAll(world: World, revision: string, pool = "p"): void {
  const lost = world.living().filter((vm) => vm.revision === revision && vm.replica.startsWith(`${pool}-`));
  for (const { replica } of lost) world.lose(replica);
}

const settles = (world: World) => () => several.settled(world);

describe("what the simulator has found of versions that stand in for each other, told again", () => {
  it("gives a primary that comes back one by one no more than it has ready, while the canary can carry the rest", () => {
    const world = serving(4);
    deploy(world, "b", 1);
    world.until(() => weights(world).canary === 25 && readyOf(world, "b") === 1);
    world.command({ kind: "pause" });
    loseAll(world, "a");
    world.refusals = 3;
    world.until(() => split(world)[0] === 100);
    const seen = new Set<string>();
    world.until(
      () => readyOf(world, "a") === 4 && split(world).join() === "25,75",
      600,
      () => {
        const [canary, primary] = split(world);
        const ready = world.routing!.routes[0]!.primary!.replicas.length;
        assert.ok(primary * 4 <= ready * (canary + primary), `${canary}:${primary} with ${ready} of 4 primaries`);
        seen.add(`${ready}`);
      },
    );
    assert.ok(seen.has("0"), "the canary served alone meanwhile");
    world.refusals = 0;
    world.command({ kind: "resume" });
    world.until(settles(world));
    proved(world);
  });

  it("shares the need by what is there, where canary and primary together cannot carry it all", () => {
    const world = serving(4);
    world.declare((intent) => (intent.rollout!.strategy = surge(25, { canaryPercent: 50 })));
    deploy(world, "b", 4);
    world.until(() => world.state!.rollout?.held?.percent === 50);
    world.lose(world.living().find(({ revision }) => revision === "b")!.replica);
    loseAll(world, "a");
    world.refusals = 1_000;
    world.until(() => split(world).join() === "100,0");
    world.refusals = 0;
    world.until(settledAt(world, 50), 600, () => {
      const route = world.routing!.routes[0]!;
      const ready = { canary: route.canary!.replicas.length, primary: route.primary!.replicas.length };
      // Nobody gets all of it as soon as it has one replica, as long as the other has as many.
      if (ready.canary > 0 && ready.primary > 0) assert.ok(split(world).every((weight) => weight > 0));
    });
    proved(world);
  });

  it("leaves a pool with its whole second fleet until the first one is whole again, in a blueGreen rollout", () => {
    const world = several.serving(
      [
        { name: "p", replicas: 3 },
        { name: "q", replicas: 1 },
      ],
      blueGreen(),
    );
    several.declareRevision(world, "b");
    world.until(() => readyOf(world, "b") === 4);
    world.command({ kind: "pause" });
    loseAll(world, "a");
    world.until(() => split(world)[0] === 100);
    const whole = () => world.routing!.routes[0]!.primary!.replicas.length === 3;
    world.until(whole, 600, () => {
      const [canary, primary] = split(world);
      assert.ok(canary === 0 || primary === 0, "never both");
      const ready = world.routing!.routes[0]!.primary!.replicas.length;
      if (ready < 3) assert.equal(primary, 0);
    });
    world.command({ kind: "resume" });
    world.until(settles(world));
    proved(world);
  });

  it("cuts a pool over again only when its lost canary is whole, where another pool has only its canary left (final/4703)", () => {
    const world = several.serving(
      [
        { name: "p", replicas: 3 },
        { name: "q", replicas: 1 },
      ],
      blueGreen({ bakeSeconds: 3600 }),
    );
    several.declareRevision(world, "b");
    world.until(() => world.state!.rollout?.settledAt !== null && split(world)[0] === 100);
    world.refusals = 1_000;
    loseAll(world, "a", "q");
    world.until(() => world.routing!.routes[1]!.primary!.replicas.length === 0);
    loseAll(world, "b");
    world.until(() => split(world)[0] === 0);
    world.refusals = 0;
    const started = () =>
      world.living().filter(({ replica, revision }) => replica.startsWith("p-") && revision === "b");
    world.until(() => started().length === 3);
    world.lose(started()[0]!.replica);
    const seen = new Set<number>();
    world.until(
      () => split(world)[0] === 100,
      600,
      () => {
        loseAll(world, "a", "q");
        const { canary } = world.routing!.routes[0]!;
        if (split(world)[0] === 100) assert.equal(canary!.replicas.length, 3);
        else seen.add(canary!.replicas.length);
      },
    );
    assert.ok(seen.has(2), "two were there before the third");
    world.command({ kind: "promote", force: false });
    world.until(settles(world));
    proved(world);
  });

  it("shares the need out between pools, where no split suits them all (final/3123)", () => {
    const world = several.serving([
      { name: "p", replicas: 2 },
      { name: "q", replicas: 1 },
    ]);
    several.declareRevision(world, "b", surge(50, { bakeSeconds: 30 }));
    world.until(() => world.state!.rollout?.settledAt !== null && weights(world).canary === 50);
    world.refusals = 1_000;
    world.declare((intent) => {
      const number: Record<string, number> = { p: 1, q: 3 };
      const declared = Object.values(intent.pools).map((pool) => pool.declared);
      redeclare(
        intent,
        declared.map(({ name, route }) => poolSpec(name, "b", number[name]!, { route })),
      );
    });
    // One of two primaries of p, and one of three canaries of q: each is asked for a fifth more than it has.
    world.until(() => split(world, "p").join() === "2,3");
    assert.equal(split(world, "q").join(), "2,3");
    world.refusals = 0;
    world.until(settles(world));
    proved(world);
  });

  it("gives a canary that was lost in a gradual rollback no requests again, when its replica comes back", () => {
    const world = serving(1, 25);
    world.declare((intent) => {
      intent.rollout!.strategy = surge(25, { rollback: { mode: "gradual", maxSurgePercent: 10 } });
    });
    deploy(world, "b", 1);
    world.until(() => weights(world).canary === 50 && readyOf(world, "b") === 1);
    world.command({ kind: "abort", mode: null });
    loseAll(world, "b");
    world.until(() => split(world)[0] === 0);
    world.until(
      () => world.state!.lastOutcome !== null,
      600,
      () => assert.equal(split(world)[0], 0),
    );
    assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
    proved(world);
  });

  it("leaves a pool to its last canary on a way back, also under notice, until a primary is ready", () => {
    const world = serving(1);
    deploy(world, "b", 1);
    world.until(() => weights(world).canary === 25 && readyOf(world, "b") === 1);
    loseAll(world, "a");
    world.refusals = 1_000;
    world.until(() => split(world)[0] === 100);
    world.command({ kind: "abort", mode: null });
    world.until(() => world.state!.rollout!.direction.kind === "back");
    const canary = world.living().find(({ revision }) => revision === "b")!;
    world.notice(canary.replica, 600);
    const servedByCanary = () => world.routing!.routes[0]!.canary?.replicas.some(({ id }) => id === canary.replica);
    for (let ticks = 0; ticks < 60; ticks += 1) {
      world.tick(1_000);
      assert.ok(servedByCanary());
    }
    world.refusals = 0;
    world.until(
      () => readyOf(world, "a") === 1,
      60,
      () => assert.ok(servedByCanary() || world.routing!.routes[0]!.primary!.replicas.length === 1),
    );
    world.until(settles(world), 60);
    assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
    proved(world);
  });

  it("comes back to a hold in one move, that was reached while the canary stood in for a lost primary", () => {
    const world = serving(1, 10);
    world.declare((intent) => (intent.rollout!.strategy = surge(10, { canaryPercent: 50 })));
    deploy(world, "b", 1);
    world.until(() => readyOf(world, "b") === 1);
    loseAll(world, "a");
    world.refusals = 1_000;
    world.until(() => world.state!.rollout?.held?.percent === 50);
    assert.deepEqual(split(world), [100, 0]);
    world.refusals = 0;
    world.until(settledAt(world, 50));
    loseAll(world, "b");
    world.until(() => split(world)[0] === 0);
    world.until(settledAt(world, 50));
    proved(world);
  });
});

function settledAt(world: World, percent: number) {
  return () => {
    const { rollout, routing } = world.state!;
    const [canary, primary] = split(world);
    return rollout?.held?.percent === percent && routing.apart === undefined && canary === primary && canary > 0;
  };
}
