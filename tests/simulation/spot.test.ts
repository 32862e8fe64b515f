import assert from "node:assert/strict";
import { checkEvents } from "../../provider/core/check/check";
import { poolProgress } from "../../provider/core/follow";
import type { PoolSpec } from "../../provider/core/spec/pool";
import { SPOT_DEFAULTS, type SpotSpec } from "../../provider/core/spot/spec";
import { intentOf, poolSpec, redeclare } from "./intents";
import { proved } from "./one-pool";
import { World } from "./world";

/** SkyServe's dynamic fallback. */
const SKYSERVE = { fallbackAtStart: true, graceSeconds: 0 } as const;
const ZONES = ["a", "b", "c"];

function spec(replicas: number, spot: Partial<SpotSpec> | null, revision = "a"): PoolSpec {
  // Without caution: an hour with a spare replica after each loss would be most of what these play.
  const declared = spot && { ...SPOT_DEFAULTS, cautionSeconds: 0, ...spot };
  const specHash = `${revision}/${replicas}/${JSON.stringify(spot)}`;
  return poolSpec("p", revision, replicas, { spot: declared, specHash });
}

function worldOf(replicas: number, spot: Partial<SpotSpec> | null): World {
  const world = new World(intentOf([spec(replicas, spot)]));
  world.prices = ZONES.flatMap((zone) => [
    { zone, market: "spot" as const, dollarsPerHour: 0.3 },
    { zone, market: "onDemand" as const, dollarsPerHour: 1 },
  ]);
  return world;
}

function serving(replicas: number, spot: Partial<SpotSpec> | null): World {
  const world = worldOf(replicas, spot);
  world.until(() => isCalm(world));
  return world;
}

/** "s" for a spot VM, "o" for an on-demand one; capital: ready. */
function fleet(world: World): string {
  const letter = ({ id, market }: { id: string; market: string }) => {
    const isReady = world.state!.replicas[id]!.status === "ready";
    return isReady ? market[0]!.toUpperCase() : market[0]!;
  };
  const replicas = Object.values(world.state?.replicas ?? {}).filter(
    ({ status, noticedUntil }) => status !== "terminating" && status !== "draining" && noticedUntil === null,
  );
  return replicas.map(letter).sort().reverse().join("");
}

/** Every VM is ready, and as many as the policy wants are there. */
function isCalm({ state, routing, intentVersion }: World): boolean {
  if (state === null || state.rollout !== null || state.intentVersion !== intentVersion) return false;
  const { primary, spot } = state.pools["p"]!;
  const replicas = Object.values(state.replicas);
  const wanted = primary!.spot === null || !spot?.counts ? primary!.replicas : spot.counts.spot + spot.counts.onDemand;
  const isWhole = replicas.length === wanted && replicas.every(({ status }) => status === "ready");
  return isWhole && routing?.generation === state.routing.generation;
}

const spotVm = (world: World) =>
  world.living().find(({ market, phase }) => market === "spot" && phase === "up")!.replica;

const readySpot = (world: World) =>
  Object.values(world.state!.replicas).filter(({ market, status }) => market === "spot" && status === "ready");

function close(world: World, market: "spot" | "onDemand"): void {
  for (const zone of ZONES) world.closed.add(`${zone}/${market}`);
}

describe("a pool on the spot market", () => {
  it("goes as SkyServe's example does: fallback at the start, gone when spot is ready, there for a loss, gone again", () => {
    const world = worldOf(2, SKYSERVE);
    world.tick();
    assert.equal(fleet(world), "ssoo");
    world.until(() => isCalm(world));
    assert.equal(fleet(world), "SS");
    world.lose(spotVm(world));
    world.tick();
    assert.equal(fleet(world), "soS");
    world.until(() => isCalm(world));
    assert.equal(fleet(world), "SS");
    proved(world);
  });

  it("keeps its base on demand and the rest on spot, all the time", () => {
    const world = worldOf(4, { baseOnDemandReplicas: 1, dynamicOnDemandFallback: false });
    world.tick();
    assert.equal(fleet(world), "ssso");
    world.until(() => isCalm(world));
    world.lose(spotVm(world));
    world.tick();
    assert.equal(fleet(world), "sSSO");
    world.until(() => isCalm(world));
    proved(world);
  });

  it("stands in for what spot refuses beside its base, and returns to spot when it gives again (aws-karpenter#3480, aws-karpenter#7832, aws-karpenter#8889)", () => {
    const world = worldOf(3, { baseOnDemandReplicas: 1, graceSeconds: 0 });
    close(world, "spot");
    world.until(() => fleet(world) === "OOO", 60);
    assert.ok(world.state!.conditions.some(({ message }) => message.startsWith("spot gives nothing just now")));
    assert.equal(poolProgress(world.intent, world.state, "p").kind, "done", "it serves with as many as were declared");
    world.closed.clear();
    world.until(
      () => isCalm(world) && fleet(world) === "SSO",
      3600,
      () => assertServes(world, 3),
    );
    assert.deepEqual(world.state!.conditions, []);
    proved(world);
  });

  it("waits for spot, and for nothing else, where it may not fall back", () => {
    const world = serving(2, { dynamicOnDemandFallback: false });
    close(world, "spot");
    world.lose(spotVm(world));
    for (let tick = 0; tick < 600; tick += 1) world.tick();
    assert.equal(fleet(world), "S");
    world.closed.clear();
    world.until(() => fleet(world) === "SS", 3600);
    proved(world);
  });

  it("tries every zone and says in its log why each replica went where it did", () => {
    const world = worldOf(3, { dynamicOnDemandFallback: false });
    world.closed.add("a/spot");
    world.until(() => isCalm(world), 60);
    assert.deepEqual([...new Set(world.living().map(({ zone }) => zone))].sort(), ["b", "c"]);
    const launches = world.log.filter((event) => event.kind === "replicaLaunching");
    assert.ok(
      launches.every(({ market, zone, why }) => market === "spot" && ZONES.includes(zone!) && why !== undefined),
    );
    proved(world);
  });

  it("has spare replicas above its number, which cover a loss", () => {
    const world = serving(3, { numOverprovision: 1, graceSeconds: 0 });
    assert.equal(fleet(world), "SSSS");
    world.lose(spotVm(world));
    world.tick();
    assertServes(world, 3);
    world.until(() => isCalm(world));
    assert.equal(fleet(world), "SSSS");
    proved(world);
  });

  it("replaces a spot replica at its notice, and does not let it stand in the way of any limit", () => {
    const world = serving(2, { graceSeconds: 0 });
    const struck = spotVm(world);
    world.notice(struck, 60);
    world.tick();
    assert.match(fleet(world), /^s?o?S$|^soS$/);
    assert.ok(fleet(world).length >= 2, fleet(world));
    world.until(() => world.vms.get(struck)!.phase === "ended" && isCalm(world), 600);
    proved(world);
  });

  it("is cautious after a loss unless told otherwise, and stays within what it may have", () => {
    const world = serving(3, { cautionSeconds: 600 });
    for (let losses = 0; losses < 3; losses += 1) {
      world.lose(spotVm(world));
      for (let tick = 0; tick < 200; tick += 1) world.tick();
      assertServes(world, 3);
    }
    assert.ok(world.log.some((event) => event.kind === "marketsMixed" && event.reason !== null));
    proved(world);
  });

  it("keeps on-demand after an outage until each zone has held one replica for long enough, and has the others ready by then", () => {
    const world = serving(6, { cautionSeconds: 60 });
    close(world, "spot");
    for (const { replica } of world.living()) world.lose(replica);
    world.until(() => fleet(world) === "OOOOOO", 60);
    world.closed.clear();
    world.until(
      () => readySpot(world).length === 3,
      600,
      () => assertServes(world, 6),
    );
    const trialEnds = Math.max(...readySpot(world).map(({ readyAt }) => readyAt! + 60_000));
    world.until(
      () => isCalm(world) && fleet(world) === "SSSSSS",
      120,
      () => {
        assertServes(world, 6);
        if (world.now < trialEnds - 5_000) assert.ok(readySpot(world).length <= 3, "one replica proves a zone");
      },
    );
    assert.ok(world.now >= trialEnds && world.now < trialEnds + 10_000, "it returns as soon as the zones have held");
    proved(world);
  });

  it("replaces in advance what a loss left over in its zone", () => {
    const world = serving(4, { cautionSeconds: 600 });
    const crowded = ZONES.find((zone) => readySpot(world).filter((one) => one.zone === zone).length === 2)!;
    const [struck, left] = readySpot(world).filter(({ zone }) => zone === crowded);
    world.closed.add(`${crowded}/spot`);
    world.lose(struck!.id);
    world.until(
      () => readySpot(world).filter(({ zone }) => zone !== crowded).length >= 4,
      60,
      () => assertServes(world, 3),
    );
    assert.ok(
      world.living().some(({ replica }) => replica === left!.id),
      "what is left serves on",
    );
    proved(world);
  });

  describe("told that the cloud may take some of it", () => {
    it("replaces these one by one before they go, with all others ready, and takes nobody away who need not go", () => {
      const world = serving(3, { cautionSeconds: 600 });
      const [first, second] = readySpot(world).map(({ id }) => id);
      world.atRisk.add(first!).add(second!);
      const left = () => [first, second].filter((id) => world.vms.get(id!)!.phase !== "ended").length;
      world.tick();
      assert.equal(fleet(world), "sSSS");
      world.until(
        () => left() === 0 && isCalm(world),
        60,
        () => {
          assertServes(world, 3);
          assert.ok(world.living().filter(({ phase }) => phase === "up").length <= 5);
        },
      );
      assert.equal(fleet(world), "SSS");
      const { length } = world.log;
      for (let tick = 0; tick < 300; tick += 1) world.tick();
      assert.equal(world.log.length, length, "what was said of those that are gone changes nothing any more");
      assert.equal(world.log.filter(({ kind }) => kind === "replicaAtRisk").length, 2);
      proved(world);
    });

    it("serves on with these where it may have no spare, and they are the first to go when fewer are wanted", () => {
      const world = serving(3, {});
      const named = readySpot(world).at(-1)!.id;
      world.atRisk.add(named);
      for (let tick = 0; tick < 100; tick += 1) world.tick();
      assert.equal(fleet(world), "SSS");
      assert.equal(world.state!.replicas[named]!.status, "ready");
      world.declare((intent) => redeclare(intent, [spec(2, {})]));
      world.until(() => isCalm(world) && fleet(world) === "SS", 60);
      assert.equal(world.vms.get(named)!.phase, "ended");
      proved(world);
    });

    it("answers the loss that comes all the same as any other", () => {
      const world = serving(3, { cautionSeconds: 600, graceSeconds: 0 });
      const named = spotVm(world);
      world.atRisk.add(named);
      world.tick();
      world.notice(named, 30);
      world.tick();
      assert.equal(world.state!.replicas[named]!.status, "draining");
      world.until(() => world.vms.get(named)!.phase === "ended" && isCalm(world), 60);
      proved(world);
    });
  });

  it("moves to spot and away from it without ever having fewer ready than it should", () => {
    const world = serving(3, null);
    assert.equal(fleet(world), "OOO");
    world.declare((intent) => redeclare(intent, [spec(3, {})]));
    world.until(
      () => isCalm(world) && fleet(world) === "SSS",
      3600,
      () => assertServes(world, 3),
    );
    world.declare((intent) => redeclare(intent, [spec(3, { baseOnDemandReplicas: 2 })]));
    world.until(
      () => isCalm(world) && fleet(world) === "SOO",
      3600,
      () => assertServes(world, 3),
    );
    world.declare((intent) => redeclare(intent, [spec(3, null)]));
    world.until(
      () => isCalm(world) && fleet(world) === "OOO",
      3600,
      () => assertServes(world, 3),
    );
    proved(world);
  });

  it("rolls over on demand, inside the cap with every VM counted, and returns to spot afterwards", () => {
    const world = serving(4, { numOverprovision: 1, graceSeconds: 0 });
    world.declare((intent) => redeclare(intent, [spec(4, { numOverprovision: 1, graceSeconds: 0 }, "b")]));
    world.until(
      () => world.state!.lastOutcome !== null,
      3600,
      () => {
        const launched = world.log.filter((event) => event.kind === "replicaLaunching" && event.revision === "b");
        if (world.state!.rollout !== null) {
          assert.ok(launched.every((event) => event.kind === "replicaLaunching" && event.market === "onDemand"));
        }
      },
    );
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    world.until(
      () => isCalm(world) && fleet(world) === "SSSSS",
      3600,
      () => assertServes(world, 4),
    );
    proved(world);
  });

  for (const [what, before, after, calm] of [
    ["more spare VMs", { graceSeconds: 0 }, { graceSeconds: 0, numOverprovision: 2 }, "SSSSS"],
    ["spot at all", null, { graceSeconds: 0, numOverprovision: 2 }, "SSSSS"],
    ["no spot any more", { graceSeconds: 0 }, null, "OOO"],
  ] as const) {
    it(`is held by the log to what a rollout has brought: ${what}`, () => {
      const world = serving(3, before);
      world.declare((intent) => redeclare(intent, [spec(3, after, "b")]));
      world.until(() => world.state!.lastOutcome?.kind === "promoted" && isCalm(world), 3600);
      assert.equal(fleet(world), calm);
      proved(world);
    });
  }

  it("rolls over on spot where it may have nothing else", () => {
    const world = serving(3, { dynamicOnDemandFallback: false });
    world.declare((intent) => redeclare(intent, [spec(3, { dynamicOnDemandFallback: false }, "b")]));
    world.until(() => world.state!.lastOutcome?.kind === "promoted" && isCalm(world), 3600);
    assert.equal(fleet(world), "SSS");
    assert.ok(world.log.every((event) => event.kind !== "replicaLaunching" || event.market === "spot"));
    proved(world);
  });

  it("comes through a rollout in which every spot replica is taken", () => {
    const world = serving(4, { graceSeconds: 0 });
    world.declare((intent) => redeclare(intent, [spec(4, { graceSeconds: 0 }, "b")]));
    world.until(() => (world.state!.rollout?.cursor ?? 0) >= 2);
    for (const { replica, market } of world.living()) if (market === "spot") world.notice(replica, 30);
    world.until(() => world.state!.lastOutcome !== null, 3600);
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    world.until(() => isCalm(world) && fleet(world) === "SSSS", 3600);
    proved(world);
  });

  it("is refuted by the log where a launch exceeds what it may have", () => {
    const world = serving(2, { graceSeconds: 0 });
    const at = world.log.at(-1)!;
    const extra = {
      ...at,
      seq: at.seq + 1,
      at: at.at + 1,
      kind: "replicaLaunching",
      pool: "p",
      revision: "a",
    } as const;
    const { verdicts } = checkEvents([...world.log, { ...extra, replica: "p-99", market: "spot" }]);
    const found = verdicts.find(({ invariant }) => invariant === "cap")!.violation;
    assert.match(found!.sentence, /3 VMs of pool "p"; outside a rollout it may have 2/);
  });
});

function assertServes(world: World, least: number): void {
  const ready = Object.values(world.state!.replicas).filter(({ status }) => status === "ready").length;
  assert.ok(ready >= least, `${ready} ready: ${fleet(world)}`);
}
