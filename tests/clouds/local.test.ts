import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { killReplica, openLocalCloud, replicaLog, updateCloudFile } from "../../provider/clouds/local";
import { rotateLog } from "../../provider/clouds/local/log";
import { readVm } from "../../provider/clouds/local/replica-folder";
import { isAlive } from "../../provider/host/process-identity";
import type { ObservedVm } from "../../provider/core/observed";
import type { Cloud } from "../../provider/ports/cloud";
import { firstLine, kill, startTypeScript, until } from "../store/children";
import { makeFolder } from "../store/folders";
import { cloudConforms, refused, request } from "./conformance";
import { makeWorld, processesTagged, serverWorkdir, type World } from "./local-world";

const LAUNCHER = join(__dirname, "launcher.ts");

describe("the local cloud", () => {
  describe("as any cloud", () => {
    cloudConforms(async () => makeWorld(), {
      server: { run: `exec ${process.execPath} server.js`, workdir: serverWorkdir() },
    });
  });

  describe("made of processes", () => {
    let world: World;
    let cloud: Cloud;

    beforeEach(() => {
      world = makeWorld();
      cloud = world.open();
    });
    afterEach(() => world.dispose());

    const folderOf = (id: string) => join(world.serviceFolder, "replicas", id);
    const log = (id: string) => readFileSync(replicaLog(world.serviceFolder, id), "utf8");
    const inState = (id: string, state: ObservedVm["state"]) =>
      until(`${id} is ${state}`, async () => {
        const vm = await cloud.describe(id);
        return vm?.state === state ? vm : null;
      });
    const gone = (id: string) => until(`${id} is gone`, async () => (await cloud.describe(id)) === null);
    const launchElsewhere = async (id: string, run: string) => {
      const child = startTypeScript(LAUNCHER, [
        world.serviceFolder,
        world.cloudFile,
        world.uid,
        JSON.stringify(request(id, { run })),
      ]);
      await firstLine(child);
      return child;
    };

    it("runs one id once when two processes launch it at the same moment", async () => {
      const children = await Promise.all([1, 2].map(() => launchElsewhere("r-1", "echo started; exec sleep 300")));
      await Promise.all(children.map((child) => until("it has launched", () => child.exitCode === 0)));
      await inState("r-1", "running");
      await until("it has started", () => log("r-1").includes("started"));
      assert.equal(log("r-1"), "started\n");
    });

    it("runs one id once when the asker was killed at any moment and another asks again", async () => {
      const run = "echo started; exec sleep 300";
      const rounds = [0, 8, 25].map(async (wait) => {
        const id = `r-${wait}`;
        const child = await launchElsewhere(id, run);
        await until("it is about to launch", () => existsSync(folderOf(id)) || child.exitCode !== null);
        const seen = Date.now();
        await until("a moment later", () => Date.now() - seen >= wait);
        await kill(child);
        await cloud.launch(request(id, { run }));
        await inState(id, "running");
        await until("it has started", () => log(id).includes("started"));
        assert.equal(log(id), "started\n");
      });
      await Promise.all(rounds);
    });

    it("ends at once what is told to end at any moment of its start", async () => {
      await Promise.all(
        [0, 1, 2, 4, 6, 8, 12, 16].map(async (wait) => {
          const id = `r-${wait}`;
          await cloud.launch(request(id, { setup: ":" }));
          const launched = Date.now();
          while (Date.now() - launched < wait) await new Promise(setImmediate);
          await cloud.terminate({ replicaId: id, epoch: 1, graceSeconds: 60 });
          await gone(id);
        }),
      );
    });

    it("is in nobody's hands: a launch that was ended before its VM started never starts", async () => {
      const child = await launchElsewhere("r-1", "echo started; exec sleep 300");
      await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 0 });
      await until("the launcher gave up", () => child.exitCode !== null);
      await gone("r-1");
      assert.deepEqual(processesTagged(world.uid), []);
    });

    it("ends grandchildren too, even those that went into a session of their own", async () => {
      const run = "sleep 301 & (sleep 302 &) ; setsid sleep 303 & exec sleep 304";
      await cloud.launch(request("r-1", { run }));
      await until("all five run", () => processesTagged(world.uid).length === 5);
      await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 5 });
      await gone("r-1");
      assert.deepEqual(processesTagged(world.uid), []);
    });

    it("leaves no helper behind when the program ends by itself, nor when only its leader is killed", async () => {
      await cloud.launch(request("r-1", { run: "sleep 301 & exit 4" }));
      assert.equal((await inState("r-1", "ended")).exit!.code, 4);
      assert.deepEqual(processesTagged(world.uid), []);
      await cloud.launch(request("r-2"));
      await inState("r-2", "running");
      const { status } = (await readVm(folderOf("r-2"))).present;
      assert.ok(status.kind === "live");
      process.kill(status.leader.pid, "SIGKILL");
      assert.equal((await inState("r-2", "ended")).exit!.lost, true);
      assert.deepEqual(processesTagged(world.uid), []);
    });

    it("sends one SIGTERM, however often it is asked to end a replica", async () => {
      const run = `trap 'echo told' TERM; echo up; while :; do sleep 0.05; done`;
      await cloud.launch(request("r-1", { run }));
      await until("it is up", () => log("r-1").includes("up"));
      for (let n = 0; n < 4; n++) await world.open().terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 0.5 });
      await gone("r-1");
      assert.equal(log("r-1").match(/told/g)?.length, 1);
    });

    it("ends a replica at its deadline although the process that asked for it is no more", async () => {
      await cloud.launch(request("r-1", { run: `trap '' TERM; while :; do sleep 0.05; done` }));
      await inState("r-1", "running");
      await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 0.3 });
      cloud = world.open();
      await until("nothing runs", async () => {
        await cloud.maintain();
        return processesTagged(world.uid).length === 0;
      });
    });

    it("never kills a process that has the pid of a replica that is gone", async () => {
      await cloud.launch(request("r-1"));
      await inState("r-1", "running");
      const claim = join(folderOf("r-1"), "vm.pid");
      const [, startTime] = readFileSync(claim, "utf8").trim().split(" ");
      await killReplica(world.serviceFolder, "r-1");
      await inState("r-1", "ended");
      const stranger = startTypeScript("-e", ["setInterval(() => {}, 1000)"]);
      execFileSync("rm", [claim]);
      writeFileSync(claim, `${stranger.pid} ${startTime}\n`);
      await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 0 });
      await cloud.purge();
      assert.equal(stranger.exitCode ?? stranger.signalCode, null);
    });

    it("keeps env values out of every file and every command line, and ours out of the replica", async () => {
      process.env.PULUMI_CONFIG_PASSPHRASE = "passphrase-of-mine";
      try {
        await cloud.launch(
          request("r-1", {
            run: `exec ${process.execPath} server.js`,
            workdir: serverWorkdir(),
            env: { TOKEN: "hunter2-in-clear", PATH: "/nowhere", status: "mine", PORT: "1" },
          }),
        );
      } finally {
        delete process.env.PULUMI_CONFIG_PASSPHRASE;
      }
      const vm = await inState("r-1", "running");
      const env = JSON.parse(await until("it answers", () => world.reach(vm))) as Record<string, string>;
      assert.deepEqual(
        [env.TOKEN, env.PATH, env.status, env.PORT, env.PULUMI_SERVE_REPLICA, env.PULUMI_SERVE_REVISION],
        ["hunter2-in-clear", "/nowhere", "mine", String(vm.address!.port), "r-1", "rev1"],
      );
      assert.deepEqual([env.PULUMI_SERVE_POOL, env.PULUMI_SERVE_ZONE], ["chat", vm.zone]);
      assert.equal(env.PULUMI_CONFIG_PASSPHRASE, undefined);
      assert.deepEqual(
        Object.keys(env).filter((name) => name.startsWith("_pulumi")),
        [],
      );
      assert.throws(() => execFileSync("grep", ["-r", "hunter2-in-clear", world.serviceFolder]), { status: 1 });
      for (const pid of processesTagged(world.uid)) {
        assert.ok(!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("hunter2-in-clear"));
      }
    });

    it("boots for as long as the cloud file says, and ends at once when it is told to while booting", async () => {
      await updateCloudFile(world.cloudFile, (file) => ({ ...file, bootSeconds: 0.4 }));
      const asked = Date.now();
      await cloud.launch(request("r-1"));
      assert.equal((await cloud.describe("r-1"))!.state, "booting");
      await inState("r-1", "running");
      assert.ok(Date.now() - asked >= 400);
      await updateCloudFile(world.cloudFile, (file) => ({ ...file, bootSeconds: 600 }));
      await cloud.launch(request("r-2", { run: "echo ran" }));
      await cloud.terminate({ replicaId: "r-2", epoch: 1, graceSeconds: 100 });
      await gone("r-2");
      assert.equal(log("r-2").includes("ran"), false);
    });

    it("removes the work copy of a replica that is gone and keeps its log", async () => {
      await cloud.launch(request("r-1", { run: "echo hello; cat server.js; exit 0", workdir: serverWorkdir() }));
      await inState("r-1", "ended");
      await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 0 });
      assert.equal(existsSync(join(folderOf("r-1"), "work")), false);
      assert.match(log("r-1"), /^hello\n[^]*createServer/);
    });

    it("rotates the log of a replica that writes without end, and what it writes next is there", async () => {
      await cloud.launch(request("r-1", { run: "yes 0123456789 | head -c 25000000; echo end; exec sleep 300" }));
      const file = replicaLog(world.serviceFolder, "r-1");
      await until("it has written", () => existsSync(file) && statSync(file).size > 25_000_000);
      await cloud.maintain();
      assert.equal(statSync(file).size, 0);
      assert.equal(statSync(`${file}.1`).size, 10 * 1024 * 1024);
      assert.match(readFileSync(`${file}.1`, "utf8").slice(-20), /end\n$/);
      assert.deepEqual(
        readdirSync(folderOf("r-1"))
          .filter((name) => name.startsWith("log"))
          .sort(),
        ["log", "log.1"],
      );
    });

    it("goes on at the log's new end after a rotation", async () => {
      const run = "for n in 1 2 3 4 5 6 7 8 9; do echo line $n; sleep 0.05; done; exec sleep 300";
      await cloud.launch(request("r-1", { run }));
      await until("three lines", () => log("r-1").includes("line 3"));
      await rotateLog(replicaLog(world.serviceFolder, "r-1"), 8);
      await until("the last line", () => log("r-1").includes("line 9"));
      assert.ok(!log("r-1").includes("\0") && !log("r-1").includes("line 1\n"));
    });

    it("ends at purge also what no record knows", async () => {
      await cloud.launch(request("r-1"));
      await inState("r-1", "running");
      const { status } = (await readVm(folderOf("r-1"))).present;
      assert.ok(status.kind === "live");
      execFileSync("rm", ["-r", join(world.serviceFolder, "replicas")]);
      await world.open().purge();
      assert.equal(isAlive(status.leader), false);
    });

    it("buries old replicas but for their ids", async () => {
      for (let n = 0; n < 24; n++) await cloud.terminate({ replicaId: `r-${n}`, epoch: 1, graceSeconds: 0 });
      await cloud.maintain();
      assert.equal(
        readdirSync(join(world.serviceFolder, "replicas")).filter((name) => name.startsWith("r-")).length,
        20,
      );
      for (let n = 0; n < 24; n++) await assert.rejects(cloud.launch(request(`r-${n}`)), refused("InvalidInput"));
    });

    it("refuses ids that are not names of folders", async () => {
      for (const id of ["../x", "", ".ended", "a/b"]) {
        await assert.rejects(cloud.launch(request(id)), refused("InvalidInput"));
      }
    });

    it("starts no VM on a full disk, and ends those that run", async function () {
      const disk = makeFolder();
      try {
        execFileSync("mount", ["-t", "tmpfs", "-o", "size=300k", "tmpfs", disk], { stdio: "ignore" });
      } catch {
        return this.skip();
      }
      try {
        const full = openLocalCloud({ serviceFolder: disk, cloudFile: world.cloudFile, uid: world.uid, service: "s" });
        await full.launch(request("r-1", { run: "while :; do yes; sleep 0.1; done" }));
        await until("its log filled the disk", () => {
          try {
            appendFileSync(join(disk, "probe"), Buffer.alloc(8192));
            return false;
          } catch {
            return true;
          }
        });
        await assert.rejects(full.launch(request("r-2")), (error: Error) => {
          assert.match(error.message, /replica r-2 could not be started .*no space left/i);
          return refused("LaunchFailed")(error);
        });
        await full.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 0 });
        await until("it is gone", async () => (await full.describe("r-1")) === null);
        await full.purge();
      } finally {
        execFileSync("umount", [disk]);
      }
    });
  });
});
