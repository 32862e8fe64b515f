import assert from "node:assert/strict";
import { freePort } from "../e2e/harness/free-port";
import { leftovers } from "../e2e/harness/leftovers";
import { RunningService } from "../e2e/harness/running-service";
import { Workspace } from "../e2e/harness/workspace";

describe("examples/model-service", function () {
  this.timeout(180_000);
  let workspace: Workspace;

  afterEach(() => workspace?.dispose());

  it("comes up, answers, and is destroyed without a trace", async () => {
    workspace = await Workspace.create("model-service");
    const port = await freePort();
    workspace.replace("index.ts", "8090", String(port));
    await workspace.mustUp();

    const url = await workspace.output("url");
    assert.equal(url, `http://127.0.0.1:${port}`);
    assert.equal(await (await fetch(url, { method: "POST", body: "hello" })).text(), "hello");

    const service = new RunningService(workspace, "echo");
    await workspace.must("destroy", "--yes", "--skip-preview");
    assert.deepEqual(await leftovers(workspace, service), []);
  });
});
