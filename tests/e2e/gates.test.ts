import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertUnharmed, Deployment } from "./harness/deployment";

describe("gates and userConfig, through the CLI and under load", function () {
  this.timeout(300_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.prepare();
    const { workspace } = deployment;
    workspace.replace(
      "index.ts",
      `readiness: { path: "/health" },`,
      `readiness: { path: "/health" },\n  userConfig: config.getObject("userConfig"),`,
    );
    // The model's answer tells what it was configured with; "hot" is what it refuses.
    workspace.replace(
      "app/server.js",
      `if (!authorized(request))`,
      `if (pathname === "/reconfigure") return reconfigure(request, response);\n  if (!authorized(request))`,
    );
    workspace.replace(
      "app/server.js",
      `function stream(response) {`,
      `let temperature = null;\n\nfunction reconfigure(request, response) {\n  let body = "";\n  request.on("data", (chunk) => (body += chunk)).once("end", () => {\n    const wanted = JSON.parse(body).temperature;\n    if (typeof wanted !== "number") return answer(response, 422, { error: "temperature must be a number" });\n    temperature = wanted;\n    answer(response, 200, {});\n  });\n}\n\nfunction stream(response) {`,
    );
    workspace.replace("app/server.js", `{ model, text: "Hello." }`, `{ model, temperature, text: "Hello." }`);
    await configureWith({ temperature: 0.1 });
    await workspace.mustUp();
  });
  after(() => deployment?.dispose());

  const configureWith = (userConfig: unknown): Promise<void> =>
    deployment.workspace.configure({ userConfig: JSON.stringify(userConfig) });
  const pids = (): number[] => deployment.workspace.processes().map(({ pid }) => pid);

  async function temperatures(): Promise<unknown[]> {
    const replicas = Object.values((await deployment.service.state())!.replicas);
    return Promise.all(
      replicas.map(async ({ address }) => {
        const response = await fetch(`http://${address!.host}:${address!.port}/generate`);
        return ((await response.json()) as { temperature: unknown }).temperature;
      }),
    );
  }

  it("a replica has its userConfig before it gets a request", async () => {
    assert.deepEqual(await temperatures(), [0.1, 0.1]);
  });

  it("a new userConfig reaches every replica, and no process restarts", async () => {
    const before = pids();
    await configureWith({ temperature: 0.7 });
    assertUnharmed(await deployment.underLoad(async () => void (await deployment.workspace.mustUp())));
    assert.deepEqual(await temperatures(), [0.7, 0.7]);
    assert.deepEqual(
      before.filter((pid) => !pids().includes(pid)),
      [],
    );
    await deployment.assertSound();
  });

  it("a refused userConfig fails the up with the replica's own words, and everything goes on as it was", async () => {
    const before = pids();
    await configureWith({ temperature: "hot" });
    const report = await deployment.underLoad(async () => {
      const { code, output } = await deployment.workspace.up();
      assert.notEqual(code, 0);
      assert.match(output, /temperature must be a number/);
    });
    assertUnharmed(report);
    assert.deepEqual(await temperatures(), [0.7, 0.7]);
    assert.deepEqual(
      before.filter((pid) => !pids().includes(pid)),
      [],
    );
    await configureWith({ temperature: 0.7 });
    await deployment.workspace.mustUp();
  });

  it("a command that fails takes the rollout back, with its words; one that passes lets it go on", async () => {
    const flag = join(deployment.workspace.folder, "good");
    const run = `test -e ${flag} || { echo the answers are worse; exit 3; }`;
    const before = await deployment.servedModel();
    const model = await deployment.changeTemplate({ maxSurgePercent: 50, gates: [{ kind: "command", run }] });
    const report = await deployment.underLoad(async () => {
      const { code, output } = await deployment.workspace.up();
      assert.notEqual(code, 0);
      assert.match(output, /the answers are worse/);
      assert.equal(await deployment.servedModel(), before);
      writeFileSync(flag, "");
      await deployment.workspace.mustServe("rollout", "retry", "--service", deployment.service.identity);
      await deployment.workspace.mustUp();
    });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), model);
    rmSync(flag);
    assert.equal(existsSync(flag), false);
    await deployment.assertSound();
  });

  it("a canary that answers 500 is taken back by its error rate, and few clients have seen it", async () => {
    const gates = [{ kind: "errorRate", maxPercent: 1, minRequests: 20 }] as const;
    await deployment.useStrategy({ maxSurgePercent: 50, gates: [...gates] });
    const before = await deployment.servedModel();
    deployment.workspace.replace("app/server.js", `answer(response, 200, { model,`, `answer(response, 500, { model,`);
    const report = await deployment.underLoad(async () => {
      const { code, output } = await deployment.workspace.up();
      assert.notEqual(code, 0);
      assert.match(output, /error rate/);
    });
    assert.ok(report.failed > 0 && report.failed < report.requests / 3, `${report.failed} of ${report.requests}`);
    assert.equal(report.streamsCut, 0);
    assert.equal(await deployment.servedModel(), before);
    await deployment.assertSound();
  });
});
