import assert from "node:assert/strict";
import { poolProgress } from "../../provider/core/follow";
import { surge } from "../core/strategies";
import { deploy, proved, serving, settled } from "./one-pool";
import * as several from "./service";

describe("what the simulator has found, told again", () => {
  it("serves a pool by the version that is left there, whatever split the rollout's other pools need", () => {
    const world = several.serving(
      [
        { name: "p", replicas: 1 },
        { name: "q", replicas: 2 },
      ],
      surge(10, { canaryPercent: 5 }),
    );
    several.declareRevision(world, "b");
    world.until(() => several.during(world, ({ held }) => held !== null));
    const of = (pool: string, revision: string) =>
      world.living().filter((vm) => vm.replica.startsWith(`${pool}-`) && vm.revision === revision);
    of("q", "b").forEach((vm) => (vm.sick = true));
    world.until(() => several.canaryTraffic(world) === 0);
    world.refusals = 1_000;
    of("p", "a").forEach(({ replica }) => world.lose(replica));
    world.until(() => {
      const canary = world.routing!.routes.find(({ pool }) => pool === "p")?.canary;
      return canary !== null && canary !== undefined && canary.weight > 0 && canary.replicas.length === 1;
    }, 60);
    proved(world);
  });

  it("takes the program's number of replicas after a rollback by hand, also where it is the one of long ago", () => {
    const world = serving(1);
    deploy(world, "b", 2);
    world.until(() => settled(world));
    world.command({ kind: "rollback", mode: null, toVersion: null });
    world.until(() => world.state!.rollout !== null);
    world.until(() => settled(world));
    assert.equal(world.living().length, 2, "the load of today");
    deploy(world, "a", 1);
    world.until(() => poolProgress(world.intent, world.state, "p").kind === "done", 600);
    assert.equal(world.living().length, 1);
    proved(world);
  });

  it("goes back step by step also from a repair in which the primary carries less than its split", () => {
    const world = serving(4, 75);
    world.declare(
      (intent) => (intent.rollout!.strategy = surge(75, { rollback: { mode: "gradual", maxSurgePercent: 25 } })),
    );
    deploy(world, "b", 2);
    world.until(() => several.canaryTraffic(world) === 75);
    world.until(() => world.living().filter(({ revision }) => revision === "a").length === 1);
    world.lose(world.living().find(({ revision }) => revision === "b")!.replica);
    world.until(() => several.canaryTraffic(world) < 75);
    deploy(world, "a", 4);
    world.until(() => settled(world), 600);
    assert.deepEqual([...several.revisions(world)], ["a"]);
  });
});
