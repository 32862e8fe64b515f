import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeWantedAgent } from "../../provider/agent/wanted";
import { pulumiServe } from "../cli/run-cli";
import { ownStateHome } from "../controller/stored-service";
import { until } from "../controller/until";
import { removeFolders } from "../store/folders";
import { compiledAgent } from "./compiled";
import { kill, LiveService, ownProcesses, untilGone } from "./live-service";

describe("the agent of a live service", function () {
  this.timeout(180_000);
  let restore: () => void;
  let service: LiveService | null = null;

  before(() => void compiledAgent("built before the clock runs"));
  beforeEach(() => {
    restore = ownStateHome();
    service = null;
  });
  afterEach(async () => {
    await service?.destroy();
    restore();
    removeFolders();
  });

  const launches = async (live: LiveService) =>
    (await live.store.readEvents(0)).flatMap((event) => (event.kind === "replicaLaunching" ? [event.replica] : []));

  it("brings a service up, rolls it over without a failed request, and leaves nothing behind", async () => {
    service = await LiveService.deploy("whole-life", { replicas: 3 });
    await service.untilServes("a", 3);
    assert.equal(await service.answer(), "a");

    const answers: string[] = [];
    let over = false;
    const client = (async () => {
      while (!over) answers.push(await service.answer());
    })();
    await service.declare("b", 3);
    await service.untilServes("b", 3);
    over = true;
    await client;
    assert.deepEqual([...new Set(answers)].sort(), ["a", "b"]);
    assert.deepEqual(await service.brokenInvariants(), []);
    assert.ok(service.replicaPids().length >= 3);

    const { folder } = service;
    await service.destroy();
    assert.deepEqual(service.replicaPids(), []);
    assert.deepEqual(ownProcesses(folder), []);
    assert.throws(() => statSync(folder));
  });

  it("pushes a userConfig to running replicas without touching their processes, and to new ones before they serve", async () => {
    const cool = { temperature: 0.2, token: "s3cret-token" };
    service = await LiveService.deploy("reconfigured", { replicas: 2, userConfig: cool });
    await service.untilServes("a", 2);
    const before = await service.configs();
    assert.deepEqual(
      before.map(({ config }) => config),
      [cool, cool],
    );

    const warm = { ...cool, temperature: 0.9 };
    const taken = async (count: number) =>
      (await service!.configs()).filter(({ config }) => config?.temperature === warm.temperature).length === count;
    await service.declare("a", 2, warm);
    await until("both replicas have it", () => taken(2));
    const after = await service.configs();
    assert.deepEqual(
      after.map(({ pid }) => pid),
      before.map(({ pid }) => pid),
    );
    await service.declare("a", 3, warm);
    await service.untilServes("a", 3);
    assert.ok(await taken(3));

    await service.declare("a", 3, { ...cool, temperature: 2 });
    const condition = await until("the refusal", async () => (await service!.state())!.conditions[0]);
    assert.equal(condition.kind, "configRefused");
    assert.match(condition.message, /^p-\d refused the userConfig: 422: \.\.\.: temperature is above 1/);
    assert.ok(await taken(3), "they go on with what they have");
    assert.equal(await service.answer(), "a");
    assert.deepEqual(await service.brokenInvariants(), []);
    const written = JSON.stringify([
      await service.state(),
      await service.store.readEvents(0),
      readFileSync(join(service.folder, "agent.log"), "utf8"),
    ]);
    assert.doesNotMatch(written, /s3cret-token/);
  });

  it("is started again by the data plane when it is killed, and launches nothing twice", async () => {
    service = await LiveService.deploy("killed-agent", { replicas: 2 });
    await service.untilServes("a", 2);
    const [before, pids] = [await service.agentPid(), service.replicaPids()];
    kill(before);
    await until("a new agent", async () => (await service!.agentPid()) !== before);
    await service.untilServes("a", 2);
    assert.deepEqual(service.replicaPids(), pids);
    assert.equal((await launches(service)).length, 2);
    assert.deepEqual(await service.brokenInvariants(), []);
  });

  it("is killed in mid-rollout, and its successor finishes the same rollout", async () => {
    service = await LiveService.deploy("killed-in-rollout", { replicas: 3, bootSeconds: 1 });
    await service.untilServes("a", 3);
    await service.declare("b", 3);
    await until("a canary", async () => (await launches(service!)).length > 3);
    kill(await service.agentPid());
    await service.untilServes("b", 3);
    const ids = await launches(service);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(ids.length, 6);
    assert.deepEqual(await service.brokenInvariants(), []);
  });

  it("starts the data plane again when that is killed, and requests are answered", async () => {
    service = await LiveService.deploy("killed-data-plane", { replicas: 2 });
    await service.untilServes("a", 2);
    const [agent, before] = [await service.agentPid(), await service.dataPlanePid()];
    kill(before);
    // Within a second, which e2e/kills.test.ts measures with nothing beside it.
    await until("an answer", () => service!.answer().catch(() => null));
    assert.notEqual(await service.dataPlanePid(), before);
    assert.equal(await service.agentPid(), agent);
  });

  it("replaces a data plane that hangs, which breaks no connection and answers nobody", async () => {
    service = await LiveService.deploy("hung-data-plane", { replicas: 2 });
    await service.untilServes("a", 2);
    const [agent, before] = [await service.agentPid(), await service.dataPlanePid()];
    const replicas = service.replicaPids();
    kill(before, "SIGSTOP");
    await untilGone(before);
    await until("an answer", () => service!.answer().catch(() => null));
    assert.notEqual(await service.dataPlanePid(), before);
    assert.equal(await service.agentPid(), agent);
    assert.deepEqual(service.replicaPids(), replicas);
    const log = readFileSync(join(service.folder, "agent.log"), "utf8");
    assert.match(log, new RegExp(`has not answered for 5 s: process ${before} is ended`));
  });

  it("replaces a data plane that it found hanging when it started", async () => {
    service = await LiveService.deploy("found-hung-data-plane", { replicas: 1 });
    await service.untilServes("a", 1);
    const [agent, before] = [await service.agentPid(), await service.dataPlanePid()];
    kill(before, "SIGSTOP");
    kill(agent);
    await untilGone(agent);
    service.startAgent();
    await untilGone(before);
    await until("an answer", () => service!.answer().catch(() => null));
    assert.notEqual(await service.dataPlanePid(), before);
  });

  it("resumes from the store when it and the data plane are both killed", async () => {
    service = await LiveService.deploy("killed-both", { replicas: 2 });
    await service.untilServes("a", 2);
    const pids = [await service.agentPid(), await service.dataPlanePid()];
    for (const pid of pids) kill(pid, "SIGSTOP");
    for (const pid of pids) kill(pid);
    for (const pid of pids) await untilGone(pid);
    const replicas = service.replicaPids();
    service.startAgent();
    await service.agentPid();
    await until("an answer", () => service!.answer().catch(() => null));
    await service.untilServes("a", 2);
    assert.deepEqual(service.replicaPids(), replicas);
    assert.deepEqual(await service.brokenInvariants(), []);
  });

  it("ends quietly when there is an agent already", async () => {
    service = await LiveService.deploy("second-agent", { replicas: 1 });
    await service.untilServes("a", 1);
    const agent = await service.agentPid();
    await untilGone(service.startAgent());
    assert.equal(await service.agentPid(), agent);
  });

  it("counts a plain SIGTERM as death: it comes back", async () => {
    service = await LiveService.deploy("terminated-agent", { replicas: 1 });
    await service.untilServes("a", 1);
    const before = await service.agentPid();
    kill(before, "SIGTERM");
    await untilGone(before);
    assert.notEqual(await service.agentPid(), before);
  });

  it("hands over to an agent of another version when that is wanted, while requests are answered", async () => {
    service = await LiveService.deploy("wanted-agent", { replicas: 1 });
    await service.untilServes("a", 1);
    const before = await service.agentPid();
    const dataPlane = await service.dataPlanePid();
    await writeWantedAgent(service.folder, { packageVersion: "0.1.1", ...compiledAgent(service.folder) });
    await until("the old agent is gone", async () => (await service!.agentPid()) !== before);
    assert.equal(await service.answer(), "a");
    assert.equal(await service.dataPlanePid(), dataPlane);
  });

  it("has nothing of its starter's environment but what is on the allow-list", async () => {
    process.env["PULUMI_CONFIG_PASSPHRASE"] = "a secret";
    try {
      service = await LiveService.deploy("environment", { replicas: 1 });
      await service.untilServes("a", 1);
    } finally {
      delete process.env["PULUMI_CONFIG_PASSPHRASE"];
    }
    for (const pid of [...ownProcesses(service.folder), ...service.replicaPids()]) {
      assert.ok(!readFileSync(join("/proc", String(pid), "environ"), "latin1").includes("a secret"));
    }
  });

  describe("that is purged", () => {
    const purge = () => pulumiServe("purge", "--project", "test", "--stack", "agent", "--yes");

    async function assertNothingLeft(live: LiveService): Promise<void> {
      assert.equal(await live.store.exists(), false);
      assert.deepEqual(live.replicaPids(), []);
      await until("agent and data plane are gone", () => ownProcesses(live.folder).length === 0);
    }

    it("is ended by its own agent, drains and all", async () => {
      service = await LiveService.deploy("purged", { replicas: 2 });
      await service.untilServes("a", 2);
      const { code, out } = await purge();
      assert.equal(code, 0, out);
      await assertNothingLeft(service);
    });

    it("is ended directly when its store is damaged", async () => {
      service = await LiveService.deploy("damaged", { replicas: 2 });
      await service.untilServes("a", 2);
      for (const name of readdirSync(join(service.folder, "intent"))) {
        writeFileSync(join(service.folder, "intent", name), "{");
      }
      const { code, out, err } = await purge();
      assert.equal(code, 0, out + err);
      assert.match(out, /its store is damaged/);
      await assertNothingLeft(service);
    });
  });
});
