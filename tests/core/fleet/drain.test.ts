import assert from "node:assert/strict";
import { intentOf, poolSpec, redeclare } from "../../simulation/intents";
import { World } from "../../simulation/world";

describe("the time that a drain gives to running requests", () => {
  it("begins when the replica has left the routing, however long the controller was away in between", () => {
    const world = new World(intentOf([poolSpec("p", "a", 2, { drainSeconds: 5 })]));
    world.behaviours.set("a", { bootMs: 100, start: "ready", drainMs: 4_000 });
    const statuses = () => Object.values(world.state?.replicas ?? {}).map(({ status }) => status);
    world.until(() => statuses().join() === "ready,ready");
    world.until(() => world.routing?.generation === world.state!.routing.generation);

    world.declare((intent) => redeclare(intent, [poolSpec("p", "a", 1, { drainSeconds: 5 })]));
    world.tick(100, 0);
    assert.ok(statuses().includes("draining"));
    world.tick(60_000);
    assert.ok(statuses().includes("draining"), "it was still in the routing a moment ago");
    const left = world.now;
    world.until(() => statuses().includes("terminating"));
    assert.ok(world.now - left >= 4_000, "its requests have ended");
  });

  it("begins when it is first seen that it has left, as the clock may have jumped just before (h4b-17590/234)", () => {
    const world = new World(intentOf([poolSpec("p", "a", 2, { drainSeconds: 5 })]));
    world.behaviours.set("a", { bootMs: 100, start: "ready", drainMs: 64_000 });
    const statuses = () => Object.values(world.state?.replicas ?? {}).map(({ status }) => status);
    world.until(() => statuses().join() === "ready,ready");
    world.until(() => world.routing?.generation === world.state!.routing.generation);

    world.declare((intent) => redeclare(intent, [poolSpec("p", "a", 1, { drainSeconds: 5 })]));
    world.until(() => statuses().includes("draining"));
    world.tick(60_000);
    const seen = world.now;
    world.until(() => statuses().includes("terminating"));
    assert.ok(world.now - seen >= 4_000, "its requests have ended");
    assert.ok(world.now - seen <= 5_100, "and its time to end them is no longer than declared");
  });
});
