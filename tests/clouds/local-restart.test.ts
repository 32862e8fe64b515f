import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { replicaLog, updateCloudFile } from "../../provider/clouds/local";
import { runtimeFolder } from "../../provider/host/paths";
import type { ObservedVm } from "../../provider/core/observed";
import type { Cloud, RestartRequest } from "../../provider/ports/cloud";
import { firstLine, kill, startTypeScript, until } from "../store/children";
import { refused, request, restart } from "./conformance";
import { makeWorld, processesTagged, serverWorkdir, type World } from "./local-world";

const LAUNCHER = join(__dirname, "launcher.ts");
const NEW = "echo new; exec sleep 300";
/** Takes its time to end, so that a killed asker leaves it in the middle of that. */
const SLOW_TO_END = "trap 'sleep 0.4; exit 0' TERM; echo old; while :; do sleep 0.05; done";

describe("a restart on the local cloud", () => {
  let world: World;
  let cloud: Cloud;

  beforeEach(() => {
    world = makeWorld();
    cloud = world.open();
  });
  afterEach(() => world.dispose());

  const folderOf = (id: string) => join(world.serviceFolder, "replicas", id);
  const log = (id: string) => readFileSync(replicaLog(world.serviceFolder, id), "utf8");
  const starts = (id: string) => log(id).match(/^new$/gm)?.length ?? 0;
  const gone = (id: string) => until(`${id} is gone`, async () => (await cloud.describe(id)) === null);
  const running = (id: string, restarts: number): Promise<ObservedVm> =>
    until(`${id} runs after restart ${restarts}`, async () => {
      const vm = await cloud.describe(id);
      return vm?.state === "running" && vm.restarts === restarts ? vm : null;
    });
  const up = async (id: string, run: string) => {
    await cloud.launch(request(id, { run }));
    await until(`${id} is up`, () => existsSync(replicaLog(world.serviceFolder, id)) && log(id).includes("old"));
  };
  const restartElsewhere = async (asked: RestartRequest) => {
    const child = startTypeScript(LAUNCHER, [world.serviceFolder, world.cloudFile, world.uid, JSON.stringify(asked)]);
    await firstLine(child);
    return child;
  };

  it("ends with one program of the new revision, wherever the asker was killed and another asks again", async () => {
    const moments: Record<string, (folder: string) => boolean> = {
      asked: (folder) => existsSync(join(folder, "restart.1")),
      unpacked: (folder) => existsSync(join(folder, "restart.1", "work")),
      told: (folder) => existsSync(join(folder, "told")),
      ended: (folder) => readdirSync(folder).some((name) => name.startsWith("exit.")),
      started: (folder) => existsSync(join(folder, "restart.1", "vm.pid")),
    };
    const rounds = Object.entries(moments).map(async ([id, reached]) => {
      await up(id, SLOW_TO_END);
      const asked = restart(id, 1, { run: NEW });
      const child = await restartElsewhere(asked);
      while (!reached(folderOf(id)) && child.exitCode === null) await new Promise(setImmediate);
      await kill(child);
      assert.notEqual((await cloud.describe(id))!.state, "ended");
      await cloud.restart(asked);
      await running(id, 1);
      await until("it has started", () => starts(id) > 0);
      assert.equal(starts(id), 1);
    });
    await Promise.all(rounds);
    // Of each replica its VM's shell and its program.
    assert.equal(processesTagged(world.uid).length, 2 * Object.keys(moments).length);
  }).timeout(180_000);

  it("starts its program once when two processes ask at the same moment", async () => {
    await up("r-1", SLOW_TO_END);
    const asked = restart("r-1", 1, { run: NEW });
    const children = await Promise.all([1, 2].map(() => restartElsewhere(asked)));
    await Promise.all(children.map((child) => until("it has restarted", () => child.exitCode === 0)));
    await running("r-1", 1);
    await until("it has started", () => starts("r-1") > 0);
    assert.equal(starts("r-1"), 1);
  });

  it("starts nothing on a VM that is told to end at any moment of it", async () => {
    await Promise.all(
      [0, 2, 4, 8, 16, 30, 45, 60, 80].map(async (wait) => {
        const id = `r-${wait}`;
        await up(id, "echo old; exec sleep 300");
        const work = cloud.restart(restart(id, 1)).catch(refused("InvalidInput"));
        const asked = Date.now();
        while (Date.now() - asked < wait) await new Promise(setImmediate);
        await cloud.terminate({ replicaId: id, epoch: 1, graceSeconds: 60 });
        await gone(id);
        await work;
      }),
    );
    await until("nothing runs", () => processesTagged(world.uid).length === 0);
  });

  it("gives up while it waits for the old program when the VM is told to end", async () => {
    await up("r-1", SLOW_TO_END);
    const work = assert.rejects(cloud.restart(restart("r-1", 1, { run: NEW })), refused("InvalidInput"));
    await until("the old program was told", () => existsSync(join(folderOf("r-1"), "told")));
    await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 20 });
    await work;
    await gone("r-1");
    assert.equal(starts("r-1"), 0);
  });

  it("stops when somebody with a newer epoch has taken over meanwhile, who finishes it", async () => {
    await up("r-1", SLOW_TO_END);
    const asked = restart("r-1", 1, { run: NEW });
    const work = assert.rejects(cloud.restart(asked), refused("StaleEpoch"));
    await until("the old program was told", () => existsSync(join(folderOf("r-1"), "told")));
    await world.open().restart({ ...asked, epoch: 2 });
    await work;
    await running("r-1", 1);
    await until("it has started", () => starts("r-1") > 0);
    assert.equal(starts("r-1"), 1);
  });

  it("tells the old program once that it is to end, and ends its helpers in sessions of their own", async () => {
    const run = "setsid sleep 303 & trap 'echo told; sleep 0.2; exit 0' TERM; echo old; while :; do sleep 0.05; done";
    await up("r-1", run);
    await Promise.all([
      cloud.restart(restart("r-1", 1, { run: NEW })),
      until("it is told", () => /told/.test(log("r-1"))),
    ]);
    await running("r-1", 1);
    assert.equal(log("r-1").match(/told/g)?.length, 1);
    // Its shell says that it runs just before it forks.
    await until("shell and program of the new one are all that runs", () => processesTagged(world.uid).length === 2);
  });

  it("never brings the program of its launch back, not even one whose launch had not started it", async () => {
    const broken = async () => {
      throw new Error("the blob cannot be read");
    };
    await assert.rejects(cloud.launch(request("r-1", { run: "echo old", workdir: broken })), refused("LaunchFailed"));
    assert.equal(await cloud.describe("r-1"), null);
    await cloud.restart(restart("r-1", 1, { run: NEW }));
    await running("r-1", 1);
    await cloud.launch(request("r-1", { run: "echo old" }));
    await until("it has started", () => starts("r-1") > 0);
    assert.equal(log("r-1").includes("old"), false);
    assert.equal((await cloud.describe("r-1"))!.restarts, 1);
  });

  it("lets the old program serve on when the new workdir cannot be unpacked", async () => {
    await up("r-1", "echo old; exec sleep 300");
    const workdir = async () => {
      throw new Error("the blob cannot be read");
    };
    await assert.rejects(cloud.restart(restart("r-1", 1, { workdir })), (error: Error) => {
      assert.match(error.message, /replica r-1 could not be started .*: the blob cannot be read/);
      return refused("LaunchFailed")(error);
    });
    await running("r-1", 0);
    assert.equal(existsSync(join(folderOf("r-1"), "told")), false);
    await cloud.restart(restart("r-1", 1, { workdir: serverWorkdir(), run: "cat server.js; exec sleep 300" }));
    await running("r-1", 1);
    await until("it has its files", () => log("r-1").includes("createServer"));
  });

  it("does not pay the VM's boot again", async () => {
    await updateCloudFile(world.cloudFile, (file) => ({ ...file, bootSeconds: 600 }));
    await cloud.launch(request("r-1"));
    await cloud.restart(restart("r-1", 1, { run: NEW }));
    await running("r-1", 1);
  });

  it("keeps the log, with a line between the two programs", async () => {
    await up("r-1", "echo old; exec sleep 300");
    await cloud.restart(restart("r-1", 1, { run: NEW }));
    await until("it has started", () => starts("r-1") > 0);
    assert.match(log("r-1"), /^old\n(Terminated\n)?=== pulumi-serve: .* revision rev2 ===\nnew\n$/);
  });

  it("keeps the port of a program that ended itself until its VM is told to end", async () => {
    await cloud.launch(request("r-1", { run: "exit 3" }));
    const { address } = await until("it ended", async () => {
      const vm = await cloud.describe("r-1");
      return vm?.state === "ended" && vm;
    });
    const reservation = join(runtimeFolder(), "ports", String(address!.port));
    assert.equal(readFileSync(reservation, "utf8"), folderOf("r-1"));
    await cloud.restart(restart("r-1", 1));
    assert.deepEqual((await running("r-1", 1)).address, address);
    await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 5 });
    await gone("r-1");
    assert.equal(existsSync(reservation), false);
  });

  it("does not fill the disk with what earlier programs left", async () => {
    await up("r-1", "echo old; exec sleep 300");
    for (let count = 1; count <= 4; count += 1)
      await cloud.restart(restart("r-1", count, { workdir: serverWorkdir() }));
    await running("r-1", 4);
    await until("it is cleared up", async () => {
      await cloud.maintain();
      const left = readdirSync(folderOf("r-1"), { recursive: true }) as string[];
      return left.filter((name) => name.endsWith("work")).join() === join("restart.4", "work");
    });
    const folders = readdirSync(folderOf("r-1")).filter((name) => name.startsWith("restart."));
    assert.deepEqual(folders.sort(), ["restart.3", "restart.4"]);
  });

  it("shows a VM whose record is damaged or gone, leaves it running, and ends it when told to", async () => {
    for (const id of ["r-1", "r-2", "r-3"]) await up(id, "echo old; exec sleep 300");
    writeFileSync(join(folderOf("r-1"), "record.json"), `{"replicaId": "r-1"`);
    rmSync(join(folderOf("r-2"), "record.json"));
    const seen = (await cloud.list()).map(({ replicaId, state, zone, address }) => [replicaId, state, zone, !!address]);
    assert.deepEqual(seen, [
      ["r-1", "running", "unknown", false],
      ["r-2", "running", "unknown", false],
      ["r-3", "running", "local-c", true],
    ]);
    await cloud.maintain();
    for (const again of [() => cloud.launch(request("r-1")), () => cloud.restart(restart("r-1", 1))]) {
      await assert.rejects(again(), (error: Error) => {
        assert.match(error.message, /record .*r-1\/record\.json is damaged; another replica must be launched/);
        return refused("LaunchFailed")(error);
      });
    }
    for (const id of ["r-1", "r-2"]) await cloud.terminate({ replicaId: id, epoch: 1, graceSeconds: 5 });
    await gone("r-1");
    await gone("r-2");
    assert.equal(processesTagged(world.uid).length, 2);
  });
});
