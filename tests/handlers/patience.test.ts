import assert from "node:assert/strict";
import { hasOwnClock } from "../../provider/core/follow";
import { Patience } from "../../provider/handlers/patience";
import { surge } from "../core/strategies";
import { declareRevision, during, rolloutOf, serving } from "../simulation/service";
import type { World } from "../simulation/world";

const LOOK_MS = 5_000;
const HOUR_SECONDS = 3_600;

function waited(patience: Patience, world: World, seconds: number): boolean {
  for (const until = world.now + seconds * 1000; world.now < until;) {
    world.tick(LOOK_MS);
    if (patience.isOver(world.now, hasOwnClock(world.state!) ? "ownClock" : "silence")) return true;
  }
  return false;
}

describe("the patience of an `up` that waits for its rollout", () => {
  it("outlasts a pause longer than every limit, as the rollout's own clock stands still in it too", () => {
    const world = serving([{ name: "p", replicas: 4 }], surge(25, { timeoutSeconds: 60 }));
    const patience = new Patience(120, world.now);
    declareRevision(world, "b");
    world.until(() => during(world, ({ cursor }) => cursor === 1));
    world.command({ kind: "pause" });
    assert.equal(waited(patience, world, HOUR_SECONDS), false);
    assert.equal(rolloutOf(world).direction.kind, "forward");
    world.command({ kind: "resume" });
    world.until(() => world.state!.lastOutcome?.kind === "promoted");
    assert.equal(patience.isOver(world.now, "ownClock"), false);
  });

  it("ends when nothing goes forward for as long as its limit", () => {
    const world = serving([{ name: "p", replicas: 4 }]);
    const patience = new Patience(120, world.now);
    assert.equal(waited(patience, world, 110), false);
    assert.equal(waited(patience, world, 15), true);
  });

  it("does not count the hours in which the computer slept", () => {
    const patience = new Patience(120, 0);
    assert.equal(patience.isOver(HOUR_SECONDS * 1000, "silence"), false);
  });
});
