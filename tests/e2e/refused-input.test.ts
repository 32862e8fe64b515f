import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { Deployment } from "./harness/deployment";
import { repository } from "./harness/workspace";

describe("bad input", function () {
  this.timeout(300_000);
  let deployment: Deployment;
  let program: string;

  before(async () => {
    deployment = await Deployment.prepare();
    // As JavaScript, which the deployment makes of it: the types would refuse some of these before we are asked.
    deployment.workspace.edit("index.ts", (text) => (program = text));
  });
  afterEach(() => deployment.workspace.edit("index.ts", () => program));
  after(async () => {
    await deployment.assertNothingLeft().finally(() => deployment.dispose());
  });

  /** Every refusal comes from `preview` already: so before anything can exist. */
  async function refused(from: string, to: string): Promise<string> {
    deployment.workspace.replace("index.ts", from, to);
    return previewFails();
  }

  async function previewFails(): Promise<string> {
    const { code, output } = await deployment.workspace.pulumi(["preview"]);
    assert.notEqual(code, 0, output);
    return output;
  }

  it("an unknown field is named with the nearest known one", async () => {
    const output = await refused(`route: "/",`, `route: "/", replica: 3,`);
    assert.match(output, /replica\b/);
    assert.match(output, /did you mean.*replicas/i);
  });

  it("an unknown field inside the template is named with the nearest known one", async () => {
    const output = await refused(`workdir: "./app",`, `workDir: "./app",`);
    assert.match(output, /workDir/);
    assert.match(output, /did you mean.*workdir/i);
  });

  it("a field of a later issue is refused by name", async () => {
    assert.match(
      await refused(`template: {`, `template: { image: "model:1",`),
      /`image` is not there yet: leave it out/,
    );
  });

  it("a surge of 0 is refused with the advice to use rolling", async () => {
    const output = await refused(`config.getNumber("maxSurgePercent") ?? 25`, "0");
    assert.match(output, /maxSurgePercent/);
    assert.match(output, /rolling/);
  });

  it("a surge of 101 is refused with the bounds", async () => {
    const output = await refused(`config.getNumber("maxSurgePercent") ?? 25`, "101");
    assert.match(output, /maxSurgePercent/);
    assert.match(output, /100/);
  });

  it("two pools on one route are refused, naming both", async () => {
    const second = `new serve.ReplicaPool("other", { service, route: "/", template: { run: "exec node server.js" } });`;
    const output = await refused("const rollout =", `${second}\nconst rollout =`);
    assert.match(output, /other/);
    assert.match(output, /chat-model/);
  });

  it("a missing workdir is refused with the path that was looked at", async () => {
    assert.match(await refused(`workdir: "./app"`, `workdir: "./nowhere"`), /workdir[\s\S]*nowhere/);
  });

  it("an endpoint port that somebody else holds is refused with the port", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(deployment.port, "127.0.0.1", resolve));
    try {
      const output = await previewFails();
      assert.match(output, /endpoint/);
      assert.match(output, new RegExp(String(deployment.port)));
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it("a folder without the package is told to install it there", async () => {
    // The program finds the package by itself; the process that runs the handlers looks from the program's folder.
    rmSync(join(deployment.workspace.folder, "node_modules/pulumi-serve"), { recursive: true });
    assert.match(await refused(`from "pulumi-serve"`, `from "${repository}"`), /npm install pulumi-serve/);
  });
});
