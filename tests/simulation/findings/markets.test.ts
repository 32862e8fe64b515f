import assert from "node:assert/strict";
import { SPOT_DEFAULTS } from "../../../provider/core/spot/spec";
import { surge } from "../../core/strategies";
import { intentOf, poolSpec, redeclare } from "../intents";
import { declareRevision, proved, serving, settled } from "../service";
import { World } from "../world";

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

  it("needs no VM more for what is replaced in advance while others drain (final/5374)", () => {
    const spot = { ...SPOT_DEFAULTS, cautionSeconds: 20 };
    const spec = (replicas: number) =>
      poolSpec("p", "a", replicas, { spot, drainSeconds: 60, specHash: `${replicas}` });
    const world = new World(intentOf([spec(9)]));
    world.prices = ["a", "b"].map((zone) => ({ zone, market: "spot", dollarsPerHour: 0.3 }));
    world.behaviours.set("a", { bootMs: 1_000, start: "ready", drainMs: 30_000 });
    world.until(() => settled(world));
    // What has been ready for less long is on trial, and not replaced.
    for (let tick = 0; tick < 250; tick += 1) world.tick();
    world.declare((intent) => redeclare(intent, [spec(7)]));
    const are = (status: string) => Object.values(world.state!.replicas).filter((replica) => replica.status === status);
    world.until(() => are("draining").length === 2);
    // One of the zone with fewer: it says enough of the others there to doubt them.
    const [fewer] = ["a", "b"]
      .map((zone) => are("ready").filter((one) => one.zone === zone))
      .sort((x, y) => x.length - y.length);
    world.lose(fewer![0]!.id);
    const isInAdvance = () =>
      world.log.some((event) => event.kind === "marketsMixed" && /in advance/.test(event.reason ?? ""));
    world.until(isInAdvance, 20);
    assert.equal(are("draining").length, 2);
    for (let tick = 0; tick < 200; tick += 1) world.tick();
    proved(world);
  });
});
