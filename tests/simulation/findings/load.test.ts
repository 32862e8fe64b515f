import assert from "node:assert/strict";
import { scaling } from "../../core/scaling";
import { intentOf, poolSpec, redeclare } from "../intents";
import { proved } from "../one-pool";
import { settled } from "../service";
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

  it("goes on where more is wanted just as the traffic moves, so that canaries carry it only when others have made room (first/37)", () => {
    const b = (min: number) =>
      poolSpec("p", "b", 10, { scaling: scaling({ min, max: 12, initial: 10 }), specHash: `${min}` });
    const world = new World(intentOf([{ ...b(10), revision: "a" }]));
    world.until(() => settled(world));
    world.declare((intent) => redeclare(intent, [b(10)]));
    const at = () => world.state!.rollout?.plan[world.state!.rollout.cursor];
    world.until(() => at()?.kind === "shift" && at()?.percent === 50);
    world.declare((intent) => redeclare(intent, [b(11)]));
    world.until(() => world.state?.lastOutcome?.kind === "promoted", 300);
    proved(world);
  });
});
