import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { statfsSync, writeFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { assertUnharmed, Deployment } from "./harness/deployment";
import { eventually } from "./harness/eventually";

/** Logs without end fill the disk that the service's files are on; only root can give a test a small disk. */
describe("a disk full of logs", function () {
  this.timeout(300_000);
  let deployment: Deployment;
  let disk: string | null = null;

  before(async function () {
    deployment = await Deployment.prepare();
    const state = deployment.workspace.env["XDG_STATE_HOME"]!;
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", state], { stdio: "ignore" });
      disk = state;
    } catch {
      this.skip();
    }
    await deployment.workspace.mustUp();
  });
  after(async () => {
    await deployment?.workspace.endAll();
    if (disk !== null) execFileSync("umount", ["--lazy", disk]);
    await deployment?.dispose();
  });

  const free = (): number => {
    const { bavail, bsize } = statfsSync(disk!);
    return bavail * bsize;
  };

  it("fails no request, and the logs of a talkative program are cut before they take everything", async () => {
    const { workspace } = deployment;
    workspace.replace(
      "index.ts",
      'run: "exec node server.js"',
      'run: "yes talk | head -c 30000000; exec node server.js"',
    );
    const report = await deployment.underLoad(async () => {
      await workspace.mustUp();
      await eventually("the logs are cut", () => free() > 1_000_000, { seconds: 60 });
    });
    assertUnharmed(report);
    await deployment.assertSound();
  });

  it("that somebody else filled stops nothing that serves, and the service goes on by itself when there is room", async () => {
    const { workspace } = deployment;
    const filler = join(disk!, "filler");
    const model = await deployment.changeTemplate();
    const report = await deployment.underLoad(async () => {
      fill(filler);
      const { code, output } = await workspace.up();
      rmSync(filler);
      assert.notEqual(code, 0);
      assert.match(output, /the disk is full: free some space/);
      await workspace.mustUp();
    });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), model);
    await deployment.assertSound();
  });

  it("leaves nothing behind when the service is destroyed", async () => {
    await deployment.workspace.must("destroy", "--yes", "--skip-preview");
    await deployment.assertNothingLeft();
  });
});

/** Takes every byte that is left. */
function fill(file: string): void {
  for (const size of [1 << 20, 1 << 16, 1 << 12]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: "a" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }
}
