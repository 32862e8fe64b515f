import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { assertUnharmed, Deployment } from "./harness/deployment";
import { eventually } from "./harness/eventually";
import { freePort } from "./harness/free-port";

describe("a store in trouble", function () {
  this.timeout(300_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.up();
  });
  after(() => deployment?.dispose());

  it("of another computer is refused by every command and never taken for deleted", async () => {
    const { workspace, service } = deployment;
    const here = workspace.env["XDG_STATE_HOME"]!;
    const there = `${here}-of-another-computer`;
    cpSync(here, there, { recursive: true });
    const label = join(there, "pulumi-serve/services", basename(service.places.folder), "service.json");
    const { computer } = JSON.parse(readFileSync(label, "utf8")) as { computer: string };
    writeFileSync(label, readFileSync(label, "utf8").replace(computer, "f".repeat(computer.length)));

    await deployment.changeTemplate();
    // Over there the port would be free; here our own service has it.
    await workspace.configure({ port: await freePort() });
    const env = { ...workspace.env, XDG_STATE_HOME: there };
    const report = await deployment.underLoad(async () => {
      for (const args of [
        ["up", "--yes", "--skip-preview"],
        ["refresh", "--yes"],
        ["destroy", "--yes"],
      ]) {
        const { code, output } = await workspace.pulumi(args, { env });
        assert.notEqual(code, 0, `pulumi ${args[0]} went through:\n${output}`);
        assert.match(output, /another computer/);
      }
    });
    assertUnharmed(report);
    await workspace.configure({ port: deployment.port });
    await workspace.mustUp();
    await deployment.assertSound();
  });

  for (const document of ["intent", "state"]) {
    it(`whose newest ${document} is half written goes on from the one before, and loses nothing`, async () => {
      await deployment.changeTemplate();
      const report = await deployment.underLoad(async () => {
        deployment.service.killAgent();
        await eventually("the agent is gone", () => deployment.service.agents().length === 0);
        const folder = join(deployment.service.places.folder, document);
        const newest = readdirSync(folder)
          .filter((name) => name.endsWith(".json"))
          .sort()
          .at(-1)!;
        truncateSync(join(folder, newest), Math.floor(readFileSync(join(folder, newest)).length / 2));
        await deployment.workspace.mustUp();
      });
      assertUnharmed(report);
      await deployment.assertSound();
    });
  }

  it("leaves nothing behind when it is destroyed", async () => {
    await deployment.workspace.must("destroy", "--yes", "--skip-preview");
    await deployment.assertNothingLeft();
  });
});
