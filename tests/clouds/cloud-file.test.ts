import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  failLaunches,
  giveCapacity,
  giveNotice,
  readCloudFile,
  takeCapacity,
  updateCloudFile,
} from "../../provider/clouds/local";
import type { Cloud } from "../../provider/ports/cloud";
import { until } from "../store/children";
import { refused, request } from "./conformance";
import { makeWorld, type World } from "./local-world";

describe("the local cloud, played by a file", () => {
  let world: World;
  let cloud: Cloud;

  beforeEach(() => {
    world = makeWorld();
    cloud = world.open();
    mkdirSync(join(world.cloudFile, ".."), { recursive: true });
  });
  afterEach(() => world.dispose());

  const zones = async () => (await cloud.list()).map(({ zone }) => zone);

  it("spreads replicas over the zones that have room, and says where there is none", async () => {
    const file = {
      zones: [
        { name: "a", capacity: 1 },
        { name: "b", capacity: 2 },
      ],
    };
    writeFileSync(world.cloudFile, JSON.stringify(file));
    await Promise.all([1, 2, 3].map((n) => cloud.launch(request(`r-${n}`))));
    assert.deepEqual((await zones()).sort(), ["a", "b", "b"]);
    await assert.rejects(cloud.launch(request("r-4")), (error: Error) => {
      assert.match(error.message, /no capacity for replica r-4 in .*a/);
      return refused("NoCapacity")(error);
    });
    assert.deepEqual(
      (await cloud.offerings()).map(({ available }) => available),
      [0, 0, 0, 0],
    );
    await giveCapacity(world.cloudFile, "a", 1);
    await cloud.launch(request("r-4"));
  });

  it("places a VM where it was asked for, and nowhere else, and gives spot no more than its own room", async () => {
    const zones = [{ name: "a", spotCapacity: 1 }, { name: "b", spotPrice: null }, { name: "c" }];
    writeFileSync(world.cloudFile, JSON.stringify({ zones }));
    const spot = (id: string, zone: string) => cloud.launch(request(id, { market: "spot", zone }));
    await spot("r-1", "a");
    await assert.rejects(spot("r-2", "a"), (error: Error) => {
      assert.match(error.message, /no capacity for replica r-2 on the spot market in a:/);
      return refused("NoCapacity")(error);
    });
    await assert.rejects(spot("r-3", "b"), refused("NoCapacity"));
    await assert.rejects(spot("r-4", "mars"), refused("NoCapacity"));
    await cloud.launch(request("r-5", { zone: "a" }));
    await giveCapacity(world.cloudFile, "a", 1, "spotCapacity");
    await spot("r-6", "a");
    const listed = (await cloud.list()).map(({ replicaId, market, zone }) => `${replicaId} ${market} ${zone}`);
    assert.deepEqual(listed, ["r-1 spot a", "r-5 onDemand a", "r-6 spot a"]);
    const available = (await cloud.offerings()).map(({ zone, market, available }) => `${zone} ${market} ${available}`);
    assert.deepEqual(available, ["a onDemand null", "a spot 0", "b onDemand null", "c onDemand null", "c spot null"]);
  });

  it("has of each machine what its zone says, at its price and within its room, and any where none is told", async () => {
    const shapes = { "A10G:1": { onDemandPrice: 2, spotPrice: null, capacity: 1 } };
    writeFileSync(
      world.cloudFile,
      JSON.stringify({
        zones: [
          { name: "a", shapes, capacity: 2 },
          { name: "b", capacity: 1 },
        ],
      }),
    );
    const machine = (id: string, kind: string, zone?: string) =>
      cloud.launch(request(id, { resources: { accelerators: { [kind]: 1 } }, zone: zone ?? null }));
    assert.deepEqual(
      (await cloud.prices())
        .filter(({ zone }) => zone === "a")
        .map(({ market, shape, dollarsPerHour }) => [market, shape, dollarsPerHour]),
      [
        ["onDemand", undefined, 1],
        ["spot", undefined, 0.3],
        ["onDemand", "A10G:1", 2],
      ],
    );
    await machine("r-1", "A10G", "a");
    await assert.rejects(machine("r-2", "A10G", "a"), /no capacity for replica r-2 with A10G:1 in a:/);
    await machine("r-3", "H100");
    assert.equal((await cloud.describe("r-3"))?.zone, "b", "which tells no machines apart");
    await assert.rejects(machine("r-4", "H100"), refused("NoCapacity"));
    await cloud.launch(request("r-5", { zone: "a" }));
    await assert.rejects(
      cloud.launch(request("r-6", { zone: "a" })),
      refused("NoCapacity"),
      "the zone's room is of all",
    );
  });

  it("rings when a notice comes and when a VM is lost, and never otherwise", async () => {
    await cloud.launch(request("r-1", { market: "spot" }));
    await until("it runs", async () => (await cloud.list()).every(({ state }) => state === "running"));
    let rings = 0;
    const stop = cloud.watch!(() => (rings += 1));
    try {
      await giveNotice(world.cloudFile, "r-1", Date.now() + 600_000);
      await until("the notice rings", () => rings === 1);
      await world.takeAway("r-1");
      await until("the loss rings", () => rings === 2);
    } finally {
      stop();
    }
  });

  it("gives a place back when a replica has ended", async () => {
    writeFileSync(world.cloudFile, JSON.stringify({ zones: [{ name: "a", capacity: 1 }] }));
    await cloud.launch(request("r-1"));
    await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 0 });
    await until("there is room", () =>
      cloud.launch(request("r-2")).then(
        () => true,
        () => false,
      ),
    );
  });

  it("avoids a zone whose capacity was taken while it runs, and ends nobody there", async () => {
    await cloud.launch(request("r-0"));
    for (const zone of ["local-a", "local-b"]) await takeCapacity(world.cloudFile, zone, "all");
    await cloud.launch(request("r-1"));
    await cloud.launch(request("r-2"));
    assert.deepEqual(await zones(), ["local-a", "local-c", "local-c"]);
  });

  it("goes past a zone that a scripted error closes, as often as the file says", async () => {
    await failLaunches(world.cloudFile, { zone: "local-a", code: "NoCapacity", times: 1 });
    await cloud.launch(request("r-1"));
    await cloud.launch(request("r-2"));
    assert.deepEqual(await zones(), ["local-b", "local-a"]);
    assert.deepEqual((await readCloudFile(world.cloudFile)).launchErrors, []);
    await failLaunches(world.cloudFile, { code: "LaunchFailed", times: null });
    for (const id of ["r-3", "r-4"]) await assert.rejects(cloud.launch(request(id)), refused("LaunchFailed"));
  });

  it("loses no change when several processes change it at once", async () => {
    await updateCloudFile(world.cloudFile, (file) => ({ ...file, zones: [{ ...file.zones[0]!, capacity: 0 }] }));
    await Promise.all(Array.from({ length: 10 }, () => giveCapacity(world.cloudFile, "local-a", 1)));
    assert.equal((await readCloudFile(world.cloudFile)).zones[0]!.capacity, 10);
  });

  it("keeps the last good content while it is broken, and reports that once", async () => {
    writeFileSync(world.cloudFile, JSON.stringify({ zones: [{ name: "a" }] }));
    await cloud.launch(request("r-1"));
    writeFileSync(world.cloudFile, `{"zones": [{"name": "b"`);
    await cloud.launch(request("r-2"));
    writeFileSync(world.cloudFile, `{"zones": [{"name": "c", "capacty": 3}]}`);
    await cloud.launch(request("r-3"));
    assert.deepEqual(await zones(), ["a", "a", "a"]);
    assert.equal(world.warnings.length, 2);
    assert.match(world.warnings[0]!, /cloud\.json is not JSON .* stays as it was/);
    assert.match(world.warnings[1]!, /error at zones\.0: .*capacty/);
    await assert.rejects(world.open().launch(request("r-4")), refused("InvalidInput"));
    assert.equal((await world.open().list()).length, 3, "what runs can be seen and ended all the same");
  });

  it("tells unknown zones, and what cannot be taken, by name", async () => {
    await assert.rejects(
      takeCapacity(world.cloudFile, "mars", 1),
      /no zone mars in .*: it has local-a, local-b, local-c/,
    );
    await assert.rejects(takeCapacity(world.cloudFile, "local-a", 1), /no limit to take 1 from/);
  });

  it("takes nobody whom it only recommends to have somewhere else", async () => {
    await cloud.launch(request("r-1", { market: "spot" }));
    const running = async () => (await cloud.describe("r-1"))?.state === "running";
    await until("it runs", running);
    await giveNotice(world.cloudFile, "r-1", "atRisk");
    assert.deepEqual(await cloud.notices(), [{ replicaId: "r-1", at: null }]);
    await cloud.maintain();
    assert.ok(await running());
    await giveNotice(world.cloudFile, "r-1", null);
    assert.deepEqual(await cloud.notices(), []);
  });

  it("takes spot VMs at the time that their notice said", async () => {
    await cloud.launch(request("r-1", { market: "spot" }));
    await cloud.launch(request("r-2", { market: "spot" }));
    await until("both run", async () => (await cloud.list()).every(({ state }) => state === "running"));
    const notices = [
      { replicaId: "r-1", at: Date.now() + 150 },
      { replicaId: "r-2", at: Date.now() + 600_000 },
      { replicaId: "r-9", at: 1 },
    ];
    await updateCloudFile(world.cloudFile, (file) => ({ ...file, notices }));
    assert.deepEqual(await cloud.notices(), notices.slice(0, 2));
    const vm = await until("r-1 is taken", async () => {
      await cloud.maintain();
      const found = await cloud.describe("r-1");
      return found?.state === "ended" ? found : null;
    });
    assert.equal(vm.exit!.lost, true);
    assert.deepEqual(
      (await cloud.notices()).map(({ replicaId }) => replicaId),
      ["r-2"],
    );
    assert.equal((await cloud.describe("r-2"))!.state, "running");
  });
});
