import assert from "node:assert/strict";
import type { Price } from "../../provider/core/cost/price";
import type { PoolSpec } from "../../provider/core/spec/pool";
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
