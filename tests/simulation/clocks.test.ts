import assert from "node:assert/strict";
import { checkEvents } from "../../provider/core/check/check";
import { surge } from "../core/strategies";
import { declareRevision, during, ended, proved, rolloutOf, serving } from "./service";
import type { World } from "./world";

const FOUR = [{ name: "p", replicas: 4 }];
const HOURS = 3 * 3_600_000;

function promoted(world: World): void {
  world.until(() => ended(world) === 1);
  const { kind, reason } = world.state!.lastOutcome!;
  assert.deepEqual([kind, reason], ["promoted", null]);
}

describe("the clocks of a rollout", () => {
  it("stand still in a hold from the tick that reaches it, also when the next one comes hours later", () => {
    const world = serving(FOUR, surge(25, { canaryPercent: 50, timeoutSeconds: 60 }));
    declareRevision(world, "b");
    world.until(() => during(world, ({ held }) => held !== null));
    world.now += HOURS;
    world.command({ kind: "promote", force: false });
    promoted(world);
  });

  it("count no hours in which no agent decided anything, against neither the total nor a step", () => {
    const world = serving(FOUR, surge(25, { timeoutSeconds: 60, stepTimeoutSeconds: 40 }));
    declareRevision(world, "b");
    for (const cursor of [1, 4]) {
      world.until(() => during(world, (rollout) => rollout.cursor === cursor));
      world.now += HOURS;
      world.tick();
      assert.equal(rolloutOf(world).direction.kind, "forward");
    }
    promoted(world);
  });

  it("count no hours of a suspended computer as a wait for capacity", () => {
    const world = serving(FOUR, surge(25, { capacityWaitSeconds: 100 }));
    world.refusals = Number.POSITIVE_INFINITY;
    declareRevision(world, "b");
    world.until(() => during(world, ({ capacity }) => capacity !== null));
    const since = world.now;
    world.now += HOURS;
    world.tick();
    assert.equal(rolloutOf(world).capacity!.starved, false);
    world.until(() => rolloutOf(world).capacity!.starved);
    assert.ok(world.now - since - HOURS >= 80_000, "no more of it than 20 s");
    world.refusals = 0;
    promoted(world);
  });

  const baking = () => {
    const world = serving(FOUR, surge(25, { bakeSeconds: 60 }));
    declareRevision(world, "b");
    world.until(() => during(world, ({ settledAt }) => settledAt !== null));
    for (let count = 0; count < 100; count += 1) world.tick();
    return world;
  };

  it("count no hours of a suspended computer as a bake, and the log proves that they were not", () => {
    const world = baking();
    const { cursor } = rolloutOf(world);
    world.now += HOURS;
    world.tick();
    assert.equal(rolloutOf(world).cursor, cursor);
    promoted(world);
    proved(world);
    // As an agent would have written it that took the hours for a bake.
    const unwatched = world.log.findIndex(({ kind }) => kind === "rolloutUnwatched");
    const later = world.log.findIndex(({ kind, seq }) => kind === "rolloutStep" && seq > world.log[unwatched]!.seq);
    const hasty = world.log.map((event, index) =>
      index < later ? event : { ...event, at: event.at - (world.log[later]!.at - world.log[unwatched]!.at) + 1_000 },
    );
    const broken = checkEvents(hasty).verdicts.flatMap(({ violation }) => violation ?? []);
    assert.deepEqual(
      broken.map(({ invariant }) => invariant),
      ["gates"],
    );
    assert.match(broken[0]!.sentence, /left a settled state after 29\.\d+ s of a bake of 60 s/);
  });

  it("begin a bake anew when the clock is put back in it, and do not wait for the hours to come again", () => {
    const world = baking();
    world.now -= HOURS;
    // How long a program runs is nothing that the computer's clock changes.
    for (const vm of world.vms.values()) vm.bornAt -= HOURS;
    const since = world.now;
    promoted(world);
    assert.ok(world.now - since < 600_000);
    assert.equal(world.log.filter(({ kind }) => kind === "rolloutUnwatched").length, 1);
    proved(world);
  });

  it("go on counting under an agent that looks again and again, and then turn the rollout back", () => {
    const world = serving(FOUR, surge(25, { timeoutSeconds: 120 }));
    world.behaviours.set("b", { bootMs: HOURS, start: "ready", drainMs: 500 });
    declareRevision(world, "b");
    for (const pool of Object.values(world.intent.pools)) pool.declared.readiness.startupGraceSeconds = 86_400;
    const since = world.now;
    world.until(() => during(world, ({ direction }) => direction.kind === "back"), 140);
    assert.ok(world.now - since > 120_000);
  });
});
