import assert from "node:assert/strict";
import { checkEvents } from "../../provider/core/check/check";
import type { Strategy } from "../../provider/core/strategy";
import { blueGreen, surge } from "../core/strategies";
import { poolSpec, redeclare } from "./intents";
import { canaryTraffic, declareRevision, serving, settled } from "./service";
import type { World } from "./world";

const FOUR = [{ name: "p", replicas: 4 }];

function wait(world: World, ticks: number): void {
  for (let tick = 0; tick < ticks; tick += 1) world.tick();
}

function proved(world: World): void {
  assert.deepEqual(
    checkEvents(world.log).verdicts.flatMap(({ violation }) => violation ?? []),
    [],
  );
}

describe("another number of replicas in mid-rollout", () => {
  const ways: [string, Strategy][] = [
    ["at full speed", surge(25)],
    ["in a bake", surge(25, { bakeSeconds: 5 })],
    ["in a hold", surge(25, { canaryPercent: 50 })],
  ];
  for (const [where, strategy] of ways) {
    it(`${where}, larger or smaller, goes on by the new number and arrives`, () => {
      for (const replicas of [2, 6, 8]) {
        const world = serving(FOUR, strategy);
        declareRevision(world, "b");
        world.until(() => canaryTraffic(world) >= 50);
        wait(world, 30);
        world.declare((intent) => redeclare(intent, [poolSpec("p", "b", replicas)]));
        world.tick();
        world.until(() => settled(world) || (world.state!.rollout?.held ?? null) !== null, 300);
        const { rollout } = world.state!;
        if (rollout !== null) world.command({ kind: "promote", force: false });
        world.until(() => settled(world), 300);
        assert.equal(world.living().length, replicas);
        proved(world);
      }
    });
  }

  it("does not pass a gate by that has no verdict yet", () => {
    const gate = { kind: "errorRate" as const, maxPercent: 1, maxAbovePrimary: null, minRequests: 100 };
    const world = serving(FOUR, surge(25, { canaryPercent: 75, gates: [gate] }));
    declareRevision(world, "b");
    wait(world, 300);
    assert.equal(canaryTraffic(world), 25);
    world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 6)]));
    wait(world, 300);
    assert.ok(canaryTraffic(world) <= 25, `${canaryTraffic(world)} % although nothing was judged`);
  });
});

describe("a blueGreen canary that is lost after the cut-over", () => {
  it("is cut over to again only when it is whole", () => {
    const world = serving(FOUR, blueGreen({ bakeSeconds: 100 }));
    declareRevision(world, "b");
    world.until(() => canaryTraffic(world) === 100);
    wait(world, 5);
    for (const { replica, revision } of world.living()) if (revision === "b") world.lose(replica);
    world.refusals = 3;
    world.until(() => settled(world));
    proved(world);
  });
});
