import assert from "node:assert/strict";
import { freePort } from "./harness/free-port";
import { RunningService } from "./harness/running-service";
import { Workspace } from "./harness/workspace";

describe("one program with the configs of dev, staging and prod", function () {
  this.timeout(300_000);
  const token = "s3cr3t-t0ken-of-prod";
  let workspace: Workspace;

  afterEach(() => workspace?.dispose());

  for (const [stack, replicas] of Object.entries({ dev: 2, staging: 4, prod: 8 })) {
    it(`previews ${stack} as its config says`, async () => {
      workspace = (await Workspace.create("quickstart", stack)).precompile();
      // The ports of the files themselves may be taken on the computer that tests.
      await workspace.configure({ port: await freePort() });
      const pool = (await workspace.previewSteps()).find(({ urn }) => urn.includes("ReplicaPool::"))!;
      assert.equal(pool.newState.inputs["replicas"], replicas);
    });
  }

  it("keeps a secret out of state, store and processes of others, and gives it to the replicas", async () => {
    workspace = (await Workspace.create("quickstart", "dev")).precompile();
    const port = await freePort();
    await workspace.configure({ port, cloudFile: workspace.writeCloud({ bootSeconds: 0 }) });
    await workspace.must("config", "set", "--secret", "pulumi-serve:apiToken", token);
    workspace.replace(
      "index.ts",
      `maxSurgePercent: config.getNumber("maxSurgePercent") ?? 25,`,
      `gates: [
        { kind: "webhook", url: config.requireSecret("apiToken").apply((path) => "http://127.0.0.1:1/" + path) },
        { kind: "command", run: "true", env: { TOKEN: config.requireSecret("apiToken") } },
      ],`,
    );
    await workspace.mustUp();
    await workspace.must("preview", "--expect-no-changes");

    const url = `http://127.0.0.1:${port}/generate`;
    assert.equal((await fetch(url)).status, 401);
    assert.equal((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status, 200);

    const { text } = await workspace.exportedState();
    assert.ok(!text.includes(token), "the state holds the secret in clear");
    const service = new RunningService(workspace, "chat");
    assert.deepEqual(workspace.filesHolding(token, service.places.folder), [], "files of the service that show it");
    const knowing = workspace.processes().filter(({ env }) => Object.values(env).includes(token));
    assert.ok(knowing.every(({ env }) => env["PULUMI_SERVE_REPLICA"] !== undefined));
    const shown = workspace.processes().filter(({ command }) => command.includes(token));
    assert.deepEqual(shown, [], "arguments can be read by everybody on the computer");
  });
});
