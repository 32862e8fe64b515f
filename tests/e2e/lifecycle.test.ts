import assert from "node:assert/strict";
import { findHaproxy } from "../../provider/dataplane/haproxy/binary";
import { assertUnharmed, Deployment } from "./harness/deployment";
import { eventually } from "./harness/eventually";

describe("a service from its first up to its destroy", function () {
  this.timeout(300_000);
  let deployment: Deployment;
  let planned: unknown;

  before(async () => {
    deployment = await Deployment.up();
  });
  after(() => deployment?.dispose());

  it("answers after the first up, with every replica ready", async () => {
    assert.equal(await deployment.workspace.output("url"), deployment.url);
    assert.equal(await deployment.servedModel(), "tiny-1");
    const replicas = Object.values((await deployment.service.state())!.replicas);
    assert.deepEqual(
      replicas.map(({ status }) => status),
      ["ready", "ready"],
    );
    await deployment.assertSound();
  });

  it("has no diff and does nothing on a second up", async () => {
    const before = (await deployment.service.events()).length;
    assert.deepEqual([...new Set((await deployment.workspace.previewSteps()).map(({ op }) => op))], ["same"]);
    await deployment.workspace.must("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal((await deployment.service.events()).length, before, "no event may come of it");
  });

  it("has no diff after a refresh", async () => {
    await deployment.workspace.must("refresh", "--yes", "--skip-preview", "--expect-no-changes");
    await deployment.workspace.must("up", "--yes", "--skip-preview", "--expect-no-changes");
  });

  it("shows the plan of a changed template in preview, for people and for machines, and touches nothing", async () => {
    await deployment.changeTemplate();
    const before = (await deployment.service.events()).length;
    const rollout = (await deployment.workspace.previewSteps()).find(({ urn }) => urn.includes("Rollout::"))!;
    assert.equal(rollout.op, "update");
    assert.match(JSON.stringify(rollout.newState.inputs), /canary/i);
    planned = rollout.newState.inputs["plan"];
    const { stdout } = await deployment.workspace.must("preview", "--diff");
    assert.match(stdout, /3 replicas|at most 3|peak.*3/i);
    assert.equal((await deployment.service.events()).length, before);
  });

  it("rolls the changed template out without a failed request, as previewed", async () => {
    const report = await deployment.underLoad(async () => {
      await deployment.workspace.mustUp();
    });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), "tiny-2");
    const { resources } = await deployment.workspace.exportedState();
    assert.deepEqual(resources.find(({ urn }) => urn.includes("Rollout::"))!.inputs["plan"], planned);
    await deployment.assertSound();
  });

  it("touches no process for a light change", async () => {
    const before = deployment.workspace.processes().map(({ pid }) => pid);
    await deployment.workspace.configure({ replicas: 3 });
    assertUnharmed(await deployment.underLoad(async () => void (await deployment.workspace.mustUp())));
    const after = deployment.workspace.processes();
    assert.deepEqual(
      before.filter((pid) => !after.some((process_) => process_.pid === pid)),
      [],
    );
    assert.equal(Object.keys((await deployment.service.state())!.replicas).length, 3);
    await deployment.assertSound();
  });

  it("carries its requests in several processes and in one again while it serves, and touches no replica", async () => {
    const { workspace } = deployment;
    const running = (program: RegExp): number[] =>
      workspace.processes().flatMap(({ pid, command }) => (program.test(command) ? [pid] : []));
    const workers = (): number => running(/embedded\/workers\/main\.js/).length;
    const [replicas, dataPlanes] = [running(/server\.js/), deployment.service.dataPlanes()];
    workspace.replace("index.ts", "balancer: {", 'balancer: { workers: config.getNumber("workers"),');
    await workspace.must("up", "--yes", "--skip-preview", "--expect-no-changes");
    const report = await deployment.underLoad(async (load) => {
      for (const count of [3, 2, 1]) {
        await workspace.configure({ workers: count });
        await workspace.mustUp();
        const { requests } = await load.progress();
        await eventually("the load ran on it", async () => (await load.progress()).requests > requests + 200);
        await eventually("there are as many workers", () => workers() === (count === 1 ? 0 : count));
      }
    });
    assertUnharmed(report);
    assert.deepEqual(running(/server\.js/), replicas);
    assert.deepEqual(deployment.service.dataPlanes(), dataPlanes);
    await deployment.assertSound();
  });

  it("changes its engine and back while it serves, previewed as a change of the balancer alone, and touches no replica", async function () {
    if (findHaproxy().kind === "unusable") return this.skip();
    const { workspace } = deployment;
    const running = (program: RegExp): number[] =>
      workspace.processes().flatMap(({ pid, command }) => (program.test(command) ? [pid] : []));
    const [replicas, dataPlanes] = [running(/server\.js/), deployment.service.dataPlanes()];
    await workspace.configure({ engine: "haproxy" });
    const steps = (await workspace.previewSteps()).filter(({ op }) => op !== "same");
    assert.deepEqual(
      steps.map(({ op, urn }) => [op, urn.includes("ServeService::chat")]),
      [["update", true]],
    );
    const report = await deployment.underLoad(async (load) => {
      for (const engine of ["haproxy", "embedded"]) {
        await workspace.configure({ engine });
        await workspace.mustUp();
        if (engine === "haproxy") assert.equal(running(/haproxy.* -db /).length, 1);
        const { requests } = await load.progress();
        await eventually("the load ran on it", async () => (await load.progress()).requests > requests + 200);
      }
    });
    assertUnharmed(report);
    assert.deepEqual(running(/server\.js/), replicas);
    assert.deepEqual(deployment.service.dataPlanes(), dataPlanes);
    await eventually("HAProxy has ended with its last client", () => running(/haproxy.* -db /).length === 0);
    await deployment.assertSound();
  });

  for (const type of ["ServeService", "ReplicaPool", "Rollout"]) {
    it(`keeps serving when the ${type} is replaced on request`, async () => {
      const urn = await urnOf(deployment, type);
      const report = await deployment.underLoad(async () => {
        await deployment.workspace.must("up", "--yes", "--skip-preview", "--target-replace", urn);
      });
      assertUnharmed(report);
      await deployment.assertSound();
    });

    it(`keeps serving when the ${type} was tainted`, async () => {
      await deployment.workspace.must("state", "taint", await urnOf(deployment, type), "--yes");
      assertUnharmed(await deployment.underLoad(async () => void (await deployment.workspace.mustUp())));
      await deployment.assertSound();
    });
  }

  it("comes up again by a plain up after agent, data plane and replicas have all gone, as after a reboot", async () => {
    await deployment.workspace.endAll();
    await deployment.workspace.mustUp();
    assert.equal(await deployment.servedModel(), "tiny-2");
    await deployment.assertSound();
  });

  it("leaves nothing behind when destroyed with its agent dead", async () => {
    deployment.service.killAgent();
    await deployment.workspace.must("destroy", "--yes", "--skip-preview");
    await deployment.assertNothingLeft();
  });
});

async function urnOf(deployment: Deployment, type: string): Promise<string> {
  const { resources } = await deployment.workspace.exportedState();
  return resources.find(({ urn }) => urn.includes(`${type}::`))!.urn;
}
