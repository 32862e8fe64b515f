import assert from "node:assert/strict";
import { poolProgress, rolloutProgress } from "../../../provider/core/follow";
import { unchangedVersion } from "../../../provider/core/plan/unchanged-version";
import { factsOf } from "../../../provider/core/spec/facts";
import { poolInput } from "../../../provider/core/spec/pool-input";
import { poolSpec } from "../../../provider/core/spec/pool-spec";
import { intentOf, redeclare } from "../../simulation/intents";
import { World } from "../../simulation/world";

function spec(version: string | undefined, run: string, replicas = 2) {
  const owner = { project: "shop", stack: "dev", name: "p", service: "shop/dev/chat" };
  return poolSpec(poolInput.parse({ ...owner, version, replicas, template: { run } }), null);
}

describe("an explicit version of a pool", () => {
  let world: World;

  const declare = (...args: Parameters<typeof spec>) => world.declare((intent) => redeclare(intent, [spec(...args)]));
  const primary = () => world.state!.pools["p"]!.primary!;
  const untilDone = () =>
    world.until(
      () =>
        poolProgress(world.intent, world.state, "p").kind === "done" &&
        rolloutProgress(world.intent, world.state, world.intent.rollout!.target).kind === "done",
      600,
    );

  beforeEach(() => {
    world = new World(intentOf([spec("v1", "one")]));
    untilDone();
  });

  it("that stays the same redeploys nothing, whatever the template says", () => {
    declare("v1", "two");
    untilDone();
    assert.equal(world.vms.size, 2);
    assert.equal(world.state!.lastOutcome, null);
  });

  it("that stays the same lets light changes through, and new replicas are like those that serve", () => {
    declare("v1", "two", 3);
    untilDone();
    assert.equal(world.vms.size, 3);
    assert.deepEqual([primary().launch.run, primary().replicas], ["one", 3]);
    world.lose("p-1");
    world.until(() => world.vms.has("p-4"));
    assert.deepEqual([primary().launch.run, primary().parts], ["one", spec("v1", "one").parts]);
  });

  it("that stays the same is warned of with what differs, as long as it differs", () => {
    const sentence =
      'version "v1" of pool "p" is unchanged but its template differs (run): nothing is redeployed; give it another version';
    const declared = factsOf(spec("v1", "two"));
    assert.equal(unchangedVersion(factsOf(primary()), declared), sentence);
    declare("v1", "two");
    untilDone();
    assert.equal(unchangedVersion(factsOf(primary()), declared), sentence);
    assert.equal(unchangedVersion(factsOf(primary()), factsOf(spec("v1", "one"))), null);
    assert.equal(unchangedVersion(factsOf(primary()), factsOf(spec("v2", "two"))), null);
  });

  it("that is another one rolls out, even with the same template", () => {
    declare("v2", "one");
    untilDone();
    assert.equal(world.state!.lastOutcome?.kind, "promoted");
    assert.equal(world.vms.size, 4);
  });

  it("brings the content that was left aside with the next version", () => {
    declare("v1", "two");
    untilDone();
    declare("v2", "two");
    untilDone();
    assert.equal(primary().launch.run, "two");
  });

  it("keeps the canary's content too, while that is being rolled out", () => {
    declare("v2", "two");
    world.until(() => world.state!.rollout !== null && world.vms.size > 2);
    declare("v2", "three", 2);
    untilDone();
    assert.equal(primary().launch.run, "two");
  });

  it("of a pool that never came up takes another content as soon as nothing of it runs", () => {
    world = new World(intentOf([spec("v1", "broken")]));
    world.behaviours.set(spec("v1", "broken").revision, { bootMs: 100, start: "exits", drainMs: 0 });
    world.until(() => poolProgress(world.intent, world.state, "p").kind === "failed" && world.living().length === 0);
    world.tick();
    world.behaviours.clear();
    declare("v1", "mended");
    untilDone();
    assert.equal(primary().launch.run, "mended");
  });
});
