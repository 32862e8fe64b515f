import assert from "node:assert/strict";
import { assertUnharmed, Deployment } from "./harness/deployment";
import { eventually } from "./harness/eventually";

describe("an up that does not come to its end", function () {
  this.timeout(300_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.up();
  });
  after(() => deployment?.dispose());

  it("reports, once it is run again, that the agent has finished the rollout meanwhile (pulumi#12259)", async () => {
    const model = await deployment.changeTemplate();
    const report = await deployment.underLoad(async () => {
      const up = deployment.workspace.start(["up", "--yes", "--skip-preview"]);
      await deployment.halfWay();
      await deployment.workspace.killCli(up);
      await deployment.service.rolloutIsOver();
    });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), model, "the agent needs no CLI to finish");
    const before = (await deployment.service.events()).length;
    await deployment.workspace.must("cancel", "--yes");
    await deployment.workspace.mustUp();
    assert.equal((await deployment.service.events()).length, before, "there was nothing left to do");
    await deployment.assertSound();
  });

  it("does not leave the process of its handlers behind when the CLI is killed", async () => {
    await deployment.changeTemplate();
    const up = deployment.workspace.start(["up", "--yes", "--skip-preview"]);
    await deployment.halfWay();
    await deployment.workspace.killCli(up);
    const providers = () => deployment.workspace.processes().filter(({ command }) => /dynamic-provider/.test(command));
    await eventually("no provider process runs", () => providers().length === 0, { seconds: 5 });
    await deployment.workspace.must("cancel", "--yes");
    await deployment.workspace.mustUp();
    await deployment.assertSound();
  });

  it("goes back without a failed request when the program is reverted in mid-rollout", async () => {
    const before = await deployment.servedModel();
    await deployment.changeTemplate();
    const report = await deployment.underLoad(async () => {
      const up = deployment.workspace.start(["up", "--yes", "--skip-preview"]);
      await deployment.halfWay();
      await deployment.workspace.killCli(up);
      await deployment.workspace.must("cancel", "--yes");
      await deployment.workspace.configure({ model: before });
      await deployment.workspace.mustUp();
    });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), before);
    await deployment.assertSound();
  });

  it("goes back when the operator says so, and up fails with that reason", async () => {
    const before = await deployment.servedModel();
    await deployment.changeTemplate();
    // So that it is seen half-way on a busy computer, too.
    deployment.workspace.writeCloud({ bootSeconds: 3 });
    const report = await deployment.underLoad(async () => {
      const up = deployment.workspace.up();
      await deployment.halfWay();
      // Held there: on a busy computer the rollout may be over before the CLI has started.
      await deployment.service.tell({ kind: "pause" });
      await deployment.workspace.mustServe("rollout", "abort", "--service", deployment.service.identity);
      const { code, output } = await up;
      assert.notEqual(code, 0, output);
      assert.match(output, /abort/);
    });
    deployment.workspace.writeCloud({ bootSeconds: 0.5 });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), before);
    await deployment.assertSound();
  });

  it("can be destroyed in the middle of a rollout whose CLI was killed", async () => {
    await deployment.changeTemplate();
    const up = deployment.workspace.start(["up", "--yes", "--skip-preview"]);
    await deployment.halfWay();
    await deployment.workspace.killCli(up);
    await deployment.workspace.must("cancel", "--yes");
    await deployment.workspace.must("destroy", "--yes", "--skip-preview");
    await deployment.assertNothingLeft();
  });
});

describe("a first up whose CLI is killed", function () {
  this.timeout(300_000);
  let deployment: Deployment;

  beforeEach(async () => {
    deployment = await Deployment.prepare({ bootSeconds: 2 });
  });
  afterEach(() => deployment?.dispose());

  async function killFirstUp(): Promise<void> {
    const up = deployment.workspace.start(["up", "--yes", "--skip-preview"]);
    await eventually("replicas are being launched", async () => {
      return Object.keys((await deployment.service.state())?.replicas ?? {}).length > 0;
    });
    await deployment.workspace.killCli(up);
    await deployment.workspace.must("cancel", "--yes");
  }

  it("is brought to its end by the next one", async () => {
    await killFirstUp();
    await deployment.workspace.must("up", "--yes", "--skip-preview", "--refresh=false");
    assert.equal(await deployment.servedModel(), "tiny-1");
    await deployment.assertSound();
  });

  it("is swept by purge, which Pulumi itself would forget", async () => {
    await killFirstUp();
    const { projectName, stack } = deployment.workspace;
    await deployment.workspace.mustServe("purge", "--project", projectName, "--stack", stack, "--yes");
    const { service, workspace } = deployment;
    await eventually("nothing runs", () => workspace.processes().length === 0);
    assert.equal(await service.state(), null);
  });
});
