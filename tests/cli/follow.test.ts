import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { replicaLog } from "../../provider/clouds/local";
import type { ServeEvent } from "../../provider/core/events";
import { compiledCli } from "../agent/compiled";
import { kill, LiveService, untilGone } from "../agent/live-service";
import { ownStateHome } from "../controller/stored-service";
import { removeFolders } from "../store/folders";
import { CliProcess } from "./cli-process";
import { servingWorld, stored } from "./stored-world";

describe("pulumi-serve, while somebody watches", function () {
  this.timeout(180_000);
  let restore: () => void;
  let cli: CliProcess | null;

  before(function () {
    this.timeout(180_000);
    compiledCli();
  });
  beforeEach(() => {
    restore = ownStateHome();
    cli = null;
  });
  afterEach(async () => {
    await cli?.interrupt();
    restore();
    removeFolders();
  });

  it("shows the status again when it changed: status --watch", async () => {
    const store = await stored("project/dev/chat", servingWorld());
    cli = new CliProcess("status", "chat", "--watch");
    await cli.prints(/READY +2\/2/);
    const { version, value } = (await store.readState())!;
    value.replicas["p-1"]!.status = "notReady";
    await store.writeState(version, value);
    await cli.prints(/READY +1\/2[^]*p-1 .* NOT_READY/);
  });

  it("shows each further event once: events -f", async () => {
    const store = await stored("project/dev/chat", servingWorld());
    const event = (seq: number): ServeEvent => ({
      seq,
      at: 0,
      epoch: 1,
      kind: "leaseTaken",
      packageVersion: `v${seq}`,
    });
    await store.appendEvents([event(1), event(2)]);
    cli = new CliProcess("events", "-f");
    await cli.prints(/v2\n/);
    await store.appendEvents([event(3)]);
    await cli.prints(/v3\n/);
    assert.deepEqual(cli.out.match(/v\d/g), ["v1", "v2", "v3"]);
  });

  it("shows what a replica writes, also after its log was begun anew: logs -f", async () => {
    const { location } = await stored("project/dev/chat", servingWorld());
    const log = replicaLog(location, "p-1");
    mkdirSync(dirname(log), { recursive: true });
    writeFileSync(log, "loading the model\n");
    cli = new CliProcess("logs", "p-1", "-f");
    await cli.prints(/loading the model\n/);
    appendFileSync(log, "ready\n");
    await cli.prints(/ready\n/);
    renameSync(log, `${log}.1`);
    writeFileSync(log, "again\n");
    await cli.prints(/again\n/);
    assert.equal(cli.out, "loading the model\nready\nagain\n");
  });

  it("follows a rollout to its end: rollout status --wait", async () => {
    const service = await LiveService.deploy("watched", { replicas: 2, bootSeconds: 1 });
    try {
      await service.untilServes("a", 2);
      // Not over before there is somebody to watch it.
      await service.changeCloud({ launchErrors: [{ code: "NoCapacity", times: null }] });
      await service.declare("b", 2);
      cli = new CliProcess("rollout", "status", "--wait");
      await cli.prints(/step/);
      await service.changeCloud({ launchErrors: [] });
      assert.equal(await cli.ends(), 0);
      assert.match(cli.out, /step \d+\/\d+ \w+ \(\d+ %\).*\n[^]*version 2 serves\n$/);
      assert.equal(await service.answer(), "b");
    } finally {
      await service.destroy();
    }
  });

  it("starts an agent when none is left to carry on what it waits for: rollout status --wait", async () => {
    const service = await LiveService.deploy("left-alone", { replicas: 1 });
    try {
      await service.untilServes("a", 1);
      const pids = [await service.agentPid(), await service.dataPlanePid()];
      for (const pid of pids) kill(pid, "SIGSTOP");
      for (const pid of pids) kill(pid);
      for (const pid of pids) await untilGone(pid);
      await service.declare("b", 1);
      cli = new CliProcess("rollout", "status", "--wait");
      assert.equal(await cli.ends(), 0);
      assert.match(cli.err, /^No agent looked after the service: one was started\.\n$/);
      assert.match(cli.out, /version 2 serves\n$/);
    } finally {
      await service.destroy();
    }
  });
});
