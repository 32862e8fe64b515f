import assert from "node:assert/strict";
import { surge } from "../../core/strategies";
import { declareRevision, proved, serving } from "../service";

describe("what the simulator has found of markets that take all that a pool has, told again", () => {
  it("drains no pool's primaries on a gradual way back because those of another one are lost (n2/2653)", () => {
    const pools = [
      { name: "p", replicas: 6 },
      { name: "q", replicas: 6 },
    ];
    const world = serving(pools, surge(75, { rollback: { mode: "gradual", maxSurgePercent: 10 } }));
    world.behaviours.set("b", { bootMs: 1_000, start: "never", drainMs: 500 });
    declareRevision(world, "b");
    world.until(() => world.state!.rollout !== null && world.living().some(({ revision }) => revision === "b"));
    world.refusals = 1_000_000;
    for (const { replica } of world.living()) if (replica.startsWith("q")) world.lose(replica);
    world.until(() => world.state!.rollout?.direction.kind === "back", 120);
    for (let tick = 0; tick < 50; tick += 1) world.tick();
    const ready = Object.values(world.state!.replicas).filter(({ pool, status }) => pool === "p" && status === "ready");
    assert.equal(ready.length, 6);
    world.refusals = 0;
    world.until(() => world.log.some(({ kind }) => kind === "rolloutEnded"), 600);
    proved(world);
  });
});
