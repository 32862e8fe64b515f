import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openTargets, pricesIn } from "../../provider/clouds";
import { giveNotice, killReplica, takeCapacity, updateCloudFile } from "../../provider/clouds/local";
import { ManyTargets } from "../../provider/clouds/targets";
import type { Targets } from "../../provider/core/spec/pool";
import type { Cloud } from "../../provider/ports/cloud";
import { until } from "../store/children";
import { makeFolder } from "../store/folders";
import { cloudConforms, refused, request, restart } from "./conformance";
import { makeWorld, serverWorkdir, type World } from "./local-world";

/** The service's own target is for spot, and a cluster of two zones for what is on demand. */
function targetsIn({ cloudFile }: World): Targets & { additionalTargets: { name: string; cloudFile: string }[] } {
  const clusterFile = join(makeFolder(), "cluster.json");
  writeFileSync(clusterFile, JSON.stringify({ zones: ["n-a", "n-b"].map((name) => ({ name, onDemandPrice: 0.5 })) }));
  return {
    target: { kind: "local", cloudFile, markets: ["spot"] },
    additionalTargets: [{ kind: "local", name: "cluster", cloudFile: clusterFile, markets: ["onDemand"] }],
  };
}

function opened({ serviceFolder, uid, warnings }: World, targets: Targets): Cloud {
  return openTargets({ serviceFolder, service: "p/s/chat", uid, targets, warn: (line) => warnings.push(line) });
}

describe("several targets", () => {
  describe("as any cloud", () => {
    cloudConforms(
      async () => {
        const world = makeWorld();
        const targets = targetsIn(world);
        const { cloudFile } = targets.additionalTargets[0]!;
        return {
          ...world,
          open: () => opened(world, targets),
          failNextLaunch: async (code) => {
            const launchErrors = [{ code, times: code === "NoCapacity" ? 2 : 1 }];
            await updateCloudFile(cloudFile, (file) => ({ ...file, launchErrors }));
          },
          dispose: async () => {
            await opened(world, targets).purge();
            await world.dispose();
          },
        };
      },
      { server: { run: `exec ${process.execPath} server.js`, workdir: serverWorkdir() } },
    );
  });

  describe("of one service", () => {
    let world: World;
    let targets: ReturnType<typeof targetsIn>;
    let cloud: Cloud;

    beforeEach(() => {
      world = makeWorld();
      targets = targetsIn(world);
      cloud = opened(world, targets);
    });
    afterEach(async () => {
      await cloud.purge();
      await world.dispose();
    });

    const zones = async () => (await cloud.list()).map(({ replicaId, zone }) => `${replicaId} ${zone}`);
    const launchBoth = async () => {
      await cloud.launch(request("r-1", { market: "spot", zone: "local-b" }));
      await cloud.launch(request("r-2", { zone: "cluster/n-b" }));
    };

    it("have the prices of what is used of each, with zones named by their target", async () => {
      const prices = await cloud.prices();
      assert.deepEqual(
        prices.map(({ zone, market, dollarsPerHour }) => `${zone} ${market} ${dollarsPerHour}`),
        ["local-a", "local-b", "local-c"]
          .map((zone) => `${zone} spot 0.3`)
          .concat(["cluster/n-a onDemand 0.5", "cluster/n-b onDemand 0.5"]),
      );
      assert.deepEqual(await pricesIn(targets), prices);
      const offerings = await cloud.offerings();
      assert.deepEqual(
        offerings.map(({ zone }) => zone),
        prices.map(({ zone }) => zone),
      );
    });

    it("launch, restart, list and end a replica where it was asked for, whichever process does it", async () => {
      await launchBoth();
      assert.deepEqual(await zones(), ["r-1 local-b", "r-2 cluster/n-b"]);
      const other = opened(world, targets);
      await other.restart(restart("r-2", 1));
      assert.deepEqual((await other.describe("r-2"))?.zone, "cluster/n-b");
      // Before it has listed anything, it does not know whose the replica is.
      await other.terminate({ replicaId: "r-2", epoch: 1, graceSeconds: 0 });
      await until("it is gone", async () => (await zones()).join() === "r-1 local-b");
      await assert.rejects(cloud.launch(request("r-2", { zone: "cluster/n-b" })), refused("InvalidInput"));
    });

    it("tell losses and notices of each", async () => {
      await launchBoth();
      await giveNotice(targets.additionalTargets[0]!.cloudFile, "r-2", Date.now() + 600_000);
      assert.deepEqual(
        (await cloud.notices()).map(({ replicaId }) => replicaId),
        ["r-2"],
      );
      await cloud.list();
      let told = 0;
      const unwatch = cloud.watch!(() => (told += 1));
      await killReplica(world.serviceFolder, "r-2");
      await until("the loss was told", () => told > 0);
      unwatch();
    });

    it("refuse by the one that has no room, and a market that none is used for", async () => {
      await takeCapacity(targets.additionalTargets[0]!.cloudFile, "n-a", "all");
      await assert.rejects(cloud.launch(request("r-1", { zone: "cluster/n-a" })), refused("NoCapacity"));
      await assert.rejects(cloud.launch(request("r-2", { zone: "elsewhere/a" })), refused("NoCapacity"));
      cloud.follow!({ target: targets.target });
      await assert.rejects(cloud.launch(request("r-3")), refused("NoCapacity"));
      cloud.follow!(targets);
    });

    it("go on without one that cannot be seen, as it was when it was seen last", async () => {
      const broken = new Set<string>();
      const warnings: string[] = [];
      const fragile = (name: string | null): Cloud => {
        const own = opened(
          world,
          name === null ? { target: targets.target } : { target: targets.additionalTargets[0]! },
        );
        const orFail = <Answer>(answer: () => Promise<Answer>) =>
          broken.has(name ?? "own") ? Promise.reject(new Error("unreachable")) : answer();
        return { ...own, list: () => orFail(() => own.list()), prices: () => orFail(() => own.prices()) };
      };
      const seen = new ManyTargets(
        targets,
        ({ name }) => fragile(name),
        (line) => warnings.push(line),
      );
      broken.add("cluster");
      await assert.rejects(seen.list(), /unreachable/, "what was never seen is not taken for empty");
      broken.clear();
      const [vms, prices] = [await seen.list(), await seen.prices()];
      broken.add("cluster");
      assert.deepEqual([await seen.list(), await seen.prices()], [vms, prices]);
      await seen.list();
      assert.deepEqual(warnings, [
        "the VMs of target cluster cannot be seen, what was seen last counts: unreachable",
        "the prices of target cluster cannot be seen, what was seen last counts: unreachable",
      ]);
    });

    it("change live: one that is declared no more gets no launches, and what runs there had better go", async () => {
      await launchBoth();
      await cloud.list();
      assert.equal(cloud.follow!(targets), false);
      const retired = targets.additionalTargets.map((one) => ({ ...one, retired: true as const }));
      assert.equal(
        cloud.follow!({ target: { ...targets.target, markets: ["spot", "onDemand"] }, additionalTargets: retired }),
        true,
      );
      assert.deepEqual(await zones(), ["r-1 local-b", "r-2 cluster/n-b"]);
      assert.deepEqual(await cloud.notices(), [{ replicaId: "r-2", at: null }]);
      assert.ok((await cloud.prices()).every(({ zone }) => zone.startsWith("local-")));
      await assert.rejects(cloud.launch(request("r-3", { zone: "cluster/n-a" })), refused("NoCapacity"));
      await cloud.launch(request("r-4", { zone: null }));
      assert.match((await zones()).join(), /r-4 local-/);
    });
  });
});
