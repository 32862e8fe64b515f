import assert from "node:assert/strict";
import type { PoolSpec } from "../../provider/core/spec/pool";
import type { Strategy } from "../../provider/core/strategy";
import { scaling } from "../core/scaling";
import { inPlace, rolling, surge } from "../core/strategies";
import { intentOf, poolSpec, redeclare } from "./intents";
import { ended, proved, readyOf, settled } from "./one-pool";
import { World } from "./world";

function serving(first: PoolSpec, strategy: Strategy): World {
  const intent = intentOf([first]);
  intent.rollout!.strategy = strategy;
  const world = new World(intent);
  world.until(() => settled(world));
  return world;
}

function declare(world: World, spec: PoolSpec): void {
  world.declare((intent) => redeclare(intent, [spec]));
}

/** To the end of the rollout; `look` sees ready replicas and the routing of every moment on the way. */
function follow(world: World, count: number, look: () => void): void {
  world.until(() => {
    look();
    return ended(world, count)();
  });
  world.until(() => settled(world));
}

describe("replicas of different capacity weights", () => {
  const small = poolSpec("p", "a", 8);
  const large = poolSpec("p", "b", 2, { capacityWeight: 4 });

  it("get traffic by weight in a rolling rollout, which keeps its share of the capacity with no VM too many", () => {
    const world = serving(small, rolling(20));
    declare(world, large);
    const splits = new Set<string>();
    follow(world, 1, () => {
      const [route] = world.routing!.routes;
      const [canary, primary] = [route!.canary, route!.primary];
      assert.ok(readyOf(world, "a") + 4 * readyOf(world, "b") >= 7);
      assert.ok(world.living().length <= 8);
      if (!canary?.replicas.length || !primary?.replicas.length) return;
      assert.deepEqual([canary.weight, primary.weight], [4 * canary.replicas.length, primary.replicas.length]);
      splits.add(`${canary.weight}:${primary.weight}`);
    });
    assert.ok(splits.has("4:3"), [...splits].join(" "));
    assert.equal(readyOf(world, "b"), 2);
    proved(world);
  });

  it("get traffic by weight while they restart in place", () => {
    const world = serving(poolSpec("p", "a", 4), inPlace(25));
    declare(world, poolSpec("p", "b", 4, { capacityWeight: 1.5 }));
    const splits = new Set<string>();
    follow(world, 1, () => {
      const [{ canary, primary }] = world.routing!.routes as [(typeof world.routing & object)["routes"][number]];
      splits.add(
        `${canary?.weight ?? 0}:${primary?.weight ?? 0} of ${canary?.replicas.length ?? 0}:${primary?.replicas.length ?? 0}`,
      );
    });
    assert.ok(splits.has("3:4 of 1:2"), [...splits].join(" "));
    proved(world);
  });

  it("come back by a rollback as many as carry the same, and go on from losses on the way", () => {
    const world = serving(small, rolling(20));
    declare(world, large);
    follow(world, 1, () => undefined);
    world.command({ kind: "rollback", mode: null, toVersion: null });
    world.until(() => readyOf(world, "a") > 0);
    world.lose(world.living().find(({ revision }) => revision === "b")!.replica);
    follow(world, 2, () => undefined);
    assert.equal(world.state!.pools["p"]!.primary!.revision, "a");
    assert.equal(readyOf(world, "a"), 8);
    proved(world);
  });

  it("change nothing in a surge, which gives each version its share of its own full size", () => {
    const world = serving(small, surge(50));
    declare(world, large);
    follow(world, 1, () => {
      const [route] = world.routing!.routes;
      const [canary, primary] = [route!.canary?.weight ?? 0, route!.primary?.weight ?? 0];
      assert.ok(canary * 2 <= (canary + primary) * readyOf(world, "b"));
      assert.ok(world.living().length <= 12);
    });
    proved(world);
  });

  it("take another weight for light: nothing moves, and from the next settled state on it counts", () => {
    const world = serving(poolSpec("p", "a", 4), rolling(25));
    world.tick();
    declare(world, poolSpec("p", "a", 4, { capacityWeight: 2, specHash: "heavier" }));
    const before = world.log.length;
    for (let count = 0; count < 20; count += 1) world.tick();
    assert.deepEqual(
      world.log.slice(before).filter(({ kind }) => kind !== "poolDeclared"),
      [],
    );
    declare(world, poolSpec("p", "b", 4, { capacityWeight: 2 }));
    world.until(() => readyOf(world, "b") === 1 && world.state!.routing.weights.canary > 0);
    assert.deepEqual(world.state!.routing.weights, { canary: 1, primary: 3 }, "they are alike");
    declare(world, poolSpec("p", "b", 4, { capacityWeight: 6, specHash: "three times" }));
    world.until(() => world.state!.routing.weights.canary === 6);
    follow(world, 1, () => undefined);
    proved(world);
  });

  it("make a new version of an autoscaled pool as large as it must be to carry the same", () => {
    const bounds = scaling({ max: 20, targetQpsPerReplica: null, targetInFlightPerReplica: 4 });
    const world = serving(poolSpec("p", "a", 9, { scaling: bounds, capacityWeight: 0.5 }), surge(25));
    declare(world, poolSpec("p", "b", 1, { scaling: bounds, capacityWeight: 2 }));
    world.until(() => world.state!.rollout !== null);
    assert.equal(world.state!.rollout!.pools[0]!.to, 3);
  });
});
