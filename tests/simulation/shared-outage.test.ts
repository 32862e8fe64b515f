import assert from "node:assert/strict";
import { blueGreen, inPlace, rolling, surge } from "../core/strategies";
import { launchesOf, proved, readyOf } from "./one-pool";
import { declareRevision, revisions, serving, settled } from "./service";
import type { World } from "./world";

const OUTAGE_SECONDS = 300;

/** No replica of any version passes its probes, as when a database is away that all of them need. */
function outage(world: World, isOver: boolean): void {
  for (const revision of ["a", "b"]) {
    world.behaviours.set(revision, { bootMs: 20_000, start: isOver ? "ready" : "never", drainMs: 500 });
  }
}

const up = (world: World) => world.living().filter(({ phase }) => phase === "up").length;
const routed = (world: World) =>
  world.routing!.routes.flatMap(({ primary, canary }) => [...(primary?.replicas ?? []), ...(canary?.replicas ?? [])])
    .length;

/** Lives through the whole outage with that many VMs at least, which serve as soon as it is over. */
function outlives(world: World, least: number): void {
  outage(world, false);
  world.until(() => readyOf(world, "a") + readyOf(world, "b") === 0, 60);
  const before = launchesOf(world, "a") + launchesOf(world, "b");
  for (let second = 0; second < OUTAGE_SECONDS; second += 1) {
    world.tick(1000);
    assert.ok(up(world) >= least, `${up(world)} VMs are left after ${second} s`);
    assert.ok(routed(world) > 0, "requests are tried at whoever is there");
  }
  const launched = launchesOf(world, "a") + launchesOf(world, "b") - before;
  assert.ok(launched <= 10, `${launched} launches for nothing`);
  outage(world, true);
  world.until(() => readyOf(world, "a") + readyOf(world, "b") >= least, 5);
}

describe("an outage of what all replicas need", () => {
  it("leaves the VMs of a service where they are, but for one at a time that is tried anew", () => {
    const world = serving([{ name: "p", replicas: 4 }]);
    outlives(world, 3);
    world.until(() => settled(world));
    proved(world);
  });

  for (const strategy of [surge(), blueGreen(), rolling(), inPlace()]) {
    it(`in the middle of ${strategy.kind} does not end both versions, and the service comes back with one of them`, () => {
      const world = serving([{ name: "p", replicas: 4 }], strategy);
      declareRevision(world, "b");
      world.until(() => readyOf(world, "b") >= 1);
      // One is tried anew, and a wave may have stopped another one.
      outlives(world, 2);
      world.until(() => settled(world));
      assert.equal(revisions(world).size, 1);
      proved(world);
    });
  }

  it("is told from replicas that hang: once a new one is ready, all others are replaced at once", () => {
    const world = serving([{ name: "p", replicas: 4 }]);
    for (const vm of world.living()) vm.sick = true;
    world.until(() => readyOf(world, "a") === 1, 120);
    world.tick();
    assert.ok(!Object.values(world.state!.replicas).some(({ status }) => status === "notReady"));
    world.until(() => settled(world), 120);
    assert.equal(launchesOf(world, "a"), 8);
    proved(world);
  });
});
