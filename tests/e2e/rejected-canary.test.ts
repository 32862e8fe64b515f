import assert from "node:assert/strict";
import { assertUnharmed, Deployment } from "./harness/deployment";

describe("a canary that never gets ready", function () {
  this.timeout(300_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.prepare();
    // Short enough to see it fail, long enough for a healthy replica.
    const patient = `readiness: { path: "/health", startupGraceSeconds: 4 }`;
    deployment.workspace.replace("index.ts", `readiness: { path: "/health" }`, patient);
    await deployment.workspace.mustUp();
  });
  after(() => deployment?.dispose());

  const healthy = `answer(response, 200, { status: "ok" })`;
  const sick = `answer(response, 500, { status: "out of memory" })`;
  const breakServer = (): void => deployment.workspace.replace("app/server.js", healthy, sick);
  const mendServer = (): void => deployment.workspace.replace("app/server.js", sick, healthy);
  const launches = async (): Promise<number> =>
    (await deployment.service.events()).filter(({ kind }) => kind === "replicaLaunching").length;

  it("is rolled back without a failed request, and up fails with the reason (containers-roadmap#1488)", async () => {
    breakServer();
    const report = await deployment.underLoad(async () => {
      const { code, output } = await deployment.workspace.up();
      assert.notEqual(code, 0, "an up whose revision does not serve must not succeed");
      assert.match(output, /500/, "the reason must say what the probe saw");
    });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), "tiny-1");
    await deployment.assertSound();
  });

  it("makes a second up fail at once with the same reason, without launching anything", async () => {
    const before = await launches();
    const { code, output } = await deployment.workspace.up();
    assert.notEqual(code, 0);
    assert.match(output, /500/);
    assert.match(output, /pulumi-serve rollout retry/, "the way out must be named");
    assert.equal(await launches(), before);
  });

  it("is tried again after rollout retry", async () => {
    const before = await launches();
    await deployment.workspace.mustServe("rollout", "retry", "--service", deployment.service.identity);
    const { code } = await deployment.workspace.up();
    assert.notEqual(code, 0, "the revision is as broken as it was");
    assert.ok((await launches()) > before);
    await deployment.assertSound();
  });

  it("leaves success without moving anything once the program is reverted", async () => {
    const before = await launches();
    mendServer();
    await deployment.workspace.mustUp();
    assert.equal(await launches(), before);
    await deployment.workspace.must("up", "--yes", "--skip-preview", "--expect-no-changes");
    await deployment.assertSound();
  });

  it("does not keep a mended revision from rolling out", async () => {
    deployment.workspace.replace("app/server.js", "const TOKENS = 20;", "const TOKENS = 21;");
    await deployment.workspace.mustUp();
    await deployment.assertSound();
  });

  it("can be destroyed while it is rejected", async () => {
    breakServer();
    assert.notEqual((await deployment.workspace.up()).code, 0);
    await deployment.workspace.must("destroy", "--yes", "--skip-preview");
    await deployment.assertNothingLeft();
  });
});
