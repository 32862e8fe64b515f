import assert from "node:assert/strict";
import type { Price } from "../../provider/core/cost/price";
import type { PoolSpec, Resources } from "../../provider/core/spec/pool";
import { scaling } from "../core/scaling";
import { SPOT_DEFAULTS, type SpotSpec } from "../../provider/core/spot/spec";
import { intentOf, poolSpec, redeclare } from "./intents";
import { proved } from "./one-pool";
import { World } from "./world";

/** A cloud of three zones with both markets, and a cluster that has no spot, as Kubernetes has none. */
const CLOUD: Price[] = ["a", "b", "c"].flatMap((zone) => [
  { zone, market: "spot" as const, dollarsPerHour: 0.3 },
  { zone, market: "onDemand" as const, dollarsPerHour: 1 },
]);
const CLUSTER: Price[] = ["cluster/n-a", "cluster/n-b"].map((zone) => ({
  zone,
  market: "onDemand",
  dollarsPerHour: 0.5,
}));
const onlySpot = (prices: Price[]) => prices.filter(({ market }) => market === "spot");

function spec(replicas: number, spot: Partial<SpotSpec> | null, revision = "a"): PoolSpec {
  const declared = spot && { ...SPOT_DEFAULTS, cautionSeconds: 0, ...spot };
  return poolSpec("p", revision, replicas, { spot: declared, specHash: `${revision}/${JSON.stringify(spot)}` });
}

function worldOf(replicas: number, spot: Partial<SpotSpec> | null, prices: Price[]): World {
  const world = new World(intentOf([spec(replicas, spot)]));
  world.prices = prices;
  return world;
}

/** Zone and market of each ready replica. */
function ready({ state }: World): string[] {
  const replicas = Object.values(state?.replicas ?? {}).filter(({ status }) => status === "ready");
  return replicas.map(({ zone, market }) => `${zone} ${market}`).sort();
}

const untilReady = (world: World, wanted: string[], each?: () => void) =>
  world.until(() => ready(world).join() === wanted.join(), 3600, each);

/** Two zones with machines of two shapes each, and one that has only the dear one. */
const SHAPES: Price[] = (["onDemand", "spot"] as const).flatMap((market) =>
  [
    ["a", "L4:1", 1] as const,
    ["a", "A100:1", 4] as const,
    ["b", "L4:1", 1] as const,
    ["b", "A100:1", 4] as const,
    ["c", "A100:1", 4] as const,
  ].map(([zone, shape, dollars]) => ({
    zone,
    shape,
    market,
    dollarsPerHour: market === "spot" ? dollars / 10 : dollars,
  })),
);
const resources: Resources = { accelerators: [{ A100: 1 }, { L4: 1 }] };

/** Zone and machine of each replica. */
function machines({ state }: World): string[] {
  return Object.values(state?.replicas ?? {})
    .map(({ zone, shape }) => `${zone} ${shape}`)
    .sort();
}

describe("a pool that takes several machines", () => {
  function worldOfShapes(replicas: number, more: Partial<PoolSpec> = {}): World {
    const { launch } = poolSpec("p", "a", replicas);
    const world = new World(intentOf([poolSpec("p", "a", replicas, { launch: { ...launch, resources }, ...more })]));
    world.prices = SHAPES;
    return world;
  }

  it("gets in each zone the cheapest that it has, and pays for what it got", () => {
    const world = worldOfShapes(3);
    world.until(() => ready(world).length === 3);
    assert.deepEqual(machines(world), ["a L4:1", "b L4:1", "c A100:1"]);
    const { dollars, unpriced } = world.state!.ledger!.pools["p"]!.rate;
    assert.deepEqual([dollars.onDemand, unpriced], [6, 0]);
    assert.match(world.log.find((event) => event.kind === "replicaLaunching")!.why!, /^On-demand L4:1 in a:/);
    proved(world);
  });

  it("has its requests spread by what each machine is to get, and anew when that is declared anew", () => {
    const targets = (a100: number) =>
      scaling({ min: 3, max: 3, targetQpsPerReplica: 2, targetQpsByShape: { "L4:1": 2, "A100:1": a100 } });
    const world = worldOfShapes(3, { scaling: targets(10) });
    world.until(() => ready(world).length === 3);
    const weights = () =>
      world
        .routing!.routes[0]!.primary!.replicas.map(({ id, weight }) => [world.state!.replicas[id]!.shape, weight])
        .sort();
    world.until(() => world.routing?.routes[0]?.primary?.replicas.length === 3);
    assert.deepEqual(weights(), [
      ["A100:1", 5],
      ["L4:1", undefined],
      ["L4:1", undefined],
    ]);
    const { launch } = poolSpec("p", "a", 3);
    const more = { launch: { ...launch, resources }, scaling: targets(7), specHash: "a/7" };
    world.declare((intent) => redeclare(intent, [poolSpec("p", "a", 3, more)]));
    world.until(() => weights()[0]![1] === 3.5);
    proved(world);
  });

  it("gets another one where the market gives none of the first, and keeps apart what it knows of both", () => {
    const spot = { ...SPOT_DEFAULTS, cautionSeconds: 0, dynamicOnDemandFallback: false };
    const world = worldOfShapes(2, { spot });
    world.none.add("a/L4:1").add("b/L4:1");
    world.until(() => ready(world).length === 2, 60);
    assert.ok(
      machines(world).every((one) => one.endsWith("A100:1")),
      String(machines(world)),
    );
    const known = Object.keys(world.state!.pools["p"]!.spot!.memory.domains).sort();
    assert.deepEqual(known, ["a/L4:1/spot", "b/L4:1/spot"]);
    proved(world);
  });

  it("has as many as its load needs of the machines that really run, also with another agent", () => {
    const bounds = { upscaleDelaySeconds: 2, downscaleDelaySeconds: 4, windowSeconds: 4 };
    const byShape = { targetQpsPerReplica: 2, targetQpsByShape: { "A100:1": 10, "L4:1": 2 } };
    const world = worldOfShapes(1, { scaling: scaling({ min: 1, max: 9, ...bounds, ...byShape }) });
    world.until(() => ready(world).length === 1);
    world.load["p"] = { qps: 12, inFlight: 1 };
    const carried = () =>
      Object.values(world.state!.replicas)
        .filter(({ status }) => status === "ready")
        .reduce((sum, { shape }) => sum + (shape === "A100:1" ? 10 : 2), 0);
    world.until(() => carried() >= 12, 60);
    world.epoch += 1;
    for (let tick = 0; tick < 300; tick += 1) {
      world.tick();
      assert.ok(carried() >= 12, `${carried()} are carried`);
    }
    // Six of the weakest would be needed. Zone c gave a strong one; without it the other four were not enough.
    assert.deepEqual(machines(world), ["a L4:1", "a L4:1", "b L4:1", "b L4:1", "c A100:1"]);
    world.load["p"] = { qps: 7, inFlight: 1 };
    world.until(() => ready(world).length === 4, 60);
    assert.ok(carried() >= 7);
    proved(world);
  });
});

describe("a pool over several targets", () => {
  it("has its base in the one that counts as on-demand and the rest on spot in the other", () => {
    const world = worldOf(3, { baseOnDemandReplicas: 1 }, [...onlySpot(CLOUD), ...CLUSTER]);
    untilReady(world, ["a spot", "b spot", "cluster/n-a onDemand"]);
    proved(world);
  });

  it("falls back to that one when spot gives nothing, and returns to spot", () => {
    const world = worldOf(2, { graceSeconds: 0 }, [...onlySpot(CLOUD), ...CLUSTER]);
    untilReady(world, ["a spot", "b spot"]);
    for (const zone of ["a", "b", "c"]) world.closed.add(`${zone}/spot`);
    for (const { replica } of world.living()) world.lose(replica);
    untilReady(world, ["cluster/n-a onDemand", "cluster/n-b onDemand"]);
    world.closed.clear();
    world.until(() => ready(world).length === 2 && ready(world).every((one) => one.endsWith(" spot")), 3600);
    proved(world);
  });

  it("takes on-demand of a target that has both markets too, where the cluster has no room", () => {
    const world = worldOf(2, { baseOnDemandReplicas: 2 }, [...CLOUD, ...CLUSTER]);
    world.closed.add("cluster/n-a/onDemand").add("cluster/n-b/onDemand");
    untilReady(world, ["a onDemand", "b onDemand"]);
    proved(world);
  });

  it("spreads replicas over the targets without spot as well, the cheapest zone first, and says why", () => {
    const world = worldOf(3, null, [...CLOUD, ...CLUSTER]);
    world.tick();
    const launches = world.log.filter((event) => event.kind === "replicaLaunching");
    assert.deepEqual(
      launches.map(({ zone }) => zone),
      ["cluster/n-a", "a", "cluster/n-b"],
    );
    assert.match(launches[0]!.why!, /^On-demand any in cluster\/n-a:/);
    world.until(() => ready(world).length === 3);
    proved(world);
  });

  it("goes on in the others when one's whole account refuses, and is back there when it gives again", () => {
    const world = worldOf(2, null, [...CLOUD, ...CLUSTER]);
    world.locked.add("cluster");
    untilReady(world, ["a onDemand", "b onDemand"]);
    world.locked.add("own");
    for (const { replica, zone } of world.living()) if (zone === "a") world.lose(replica);
    world.until(() => world.state!.conditions.length > 0);
    assert.deepEqual(
      world.state!.conditions.map(({ kind, message }) => `${kind}: ${message}`),
      ["noCapacity: on-demand gives nothing just now: the quota is used up"],
    );
    world.locked.delete("cluster");
    untilReady(world, ["b onDemand", "cluster/n-a onDemand"]);
    proved(world);
  });

  it("rolls over in both, inside the cap", () => {
    const world = worldOf(4, null, [...CLOUD, ...CLUSTER]);
    world.until(() => ready(world).length === 4);
    world.declare((intent) => redeclare(intent, [spec(4, null, "b")]));
    world.until(() => world.state!.lastOutcome?.kind === "promoted" && ready(world).length === 4, 3600);
    assert.equal(new Set(world.living().map(({ zone }) => zone.includes("/"))).size, 2);
    proved(world);
  });

  it("leaves the place to the cloud where there is one target and no spot", () => {
    const world = worldOf(2, null, CLOUD);
    world.tick();
    const launches = world.log.filter((event) => event.kind === "replicaLaunching");
    assert.deepEqual(
      launches.map(({ zone, why }) => [zone, why]),
      [
        [null, undefined],
        [null, undefined],
      ],
    );
  });
});
