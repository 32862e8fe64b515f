import assert from "node:assert/strict";
import { scaling } from "../../core/scaling";
import { intentOf, poolSpec } from "../intents";
import { proved } from "../one-pool";
import { World } from "../world";

function seconds(world: World, count: number): void {
  const end = world.now + count * 1000;
  world.until(() => world.now >= end, count + 10);
}

describe("what the simulator has found of pools that go with their load, told again", () => {
  it("does not put a pool to sleep whose requests are over before anybody counts what is in flight", () => {
    const bounds = { min: 0, targetQpsPerReplica: null, targetInFlightPerReplica: 2, windowSeconds: 12 };
    const quick = scaling({ ...bounds, downscaleDelaySeconds: 5 });
    const world = new World(intentOf([poolSpec("p", "a", 1, { scaling: quick })]));
    const live = () => world.state?.pools["p"]?.primary?.replicas;
    world.load["p"] = { qps: 1, inFlight: 0 };
    seconds(world, 40);
    assert.equal(live(), 1);
    world.load["p"] = { qps: 0, inFlight: 0 };
    world.until(() => live() === 0, 60);
    proved(world);
  });
});
