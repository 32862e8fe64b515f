import assert from "node:assert/strict";
import { pauseAfter } from "../../provider/controller/cadence";
import type { Observed } from "../../provider/core/observed";
import { scaling } from "../core/scaling";
import { surge } from "../core/strategies";
import { intentOf, poolSpec } from "../simulation/intents";
import { declareRevision, serving, settled } from "../simulation/service";
import { World } from "../simulation/world";

const LONG_QUIET_MS = 60_000;

describe("the time until the agent looks again", () => {
  function pause(world: World, isTold: boolean, changes: Partial<Observed> = {}): number {
    const { generation } = world.state!.routing;
    const observed: Observed = {
      vms: [],
      probes: {},
      dataplane: { generation, replicas: {}, versions: {} },
      launchErrors: [],
      reconfigured: {},
      gateAnswers: {},
      ...changes,
    };
    return pauseAfter(world.intent, world.state!, observed, LONG_QUIET_MS, isTold);
  }

  function atRest(...[more]: [Parameters<typeof poolSpec>[3]?]): World {
    const world = new World(intentOf([poolSpec("p", "a", 2, more)]));
    world.until(() => settled(world));
    return world;
  }

  it("is long at rest, and longest where the cloud tells of every notice and loss", () => {
    const world = atRest();
    assert.equal(pause(world, false), 2_000);
    assert.equal(pause(world, true), 5_000);
  });

  it("is a second where the load decides how many replicas there are, as only a look shows it", () => {
    const world = atRest({ scaling: scaling({ min: 2, max: 4, targetQpsPerReplica: 1 }) });
    assert.equal(pause(world, true), 1_000);
  });

  it("is a second once a declared hold has been reached, and short on the way there", () => {
    const world = serving([{ name: "p", replicas: 4 }], surge(25, { canaryPercent: 50 }));
    declareRevision(world, "b");
    world.until(() => world.state!.rollout !== null);
    assert.ok(pause(world, true) <= 250);
    const isWhole = (): boolean => Object.values(world.state!.replicas).every(({ status }) => status === "ready");
    world.until(() => (world.state!.rollout?.held ?? null) !== null && isWhole());
    assert.equal(pause(world, true), 1_000);
    assert.ok(pause(world, true, { dataplane: null }) <= 250);
  });

  it("is short while the routing is not in force, whoever tells of what", () => {
    assert.equal(pause(atRest(), true, { dataplane: null }), 250);
  });
});
