import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { Deployment } from "./harness/deployment";
import { eventually } from "./harness/eventually";

describe("a first up that cannot work", function () {
  this.timeout(300_000);
  let deployment: Deployment;

  beforeEach(async () => {
    deployment = await Deployment.prepare();
    change(`readiness: { path: "/health" }`, `readiness: { path: "/health", startupGraceSeconds: 3 }`);
  });
  afterEach(() => deployment.dispose());

  const change = (from: string, to: string): void => deployment.workspace.replace("index.ts", from, to);

  /** The failure, then the way out that every one of them must have: mend it and up again, or destroy. */
  async function failsThenRecovers(mend: () => void | Promise<void>): Promise<string> {
    const { code, output } = await deployment.workspace.up();
    assert.notEqual(code, 0, output);
    await mend();
    await deployment.workspace.mustUp();
    assert.equal(await deployment.servedModel(), "tiny-1");
    await deployment.assertSound();
    await deployment.workspace.must("destroy", "--yes", "--skip-preview");
    await deployment.assertNothingLeft();
    return output;
  }

  it("because run exits at once: says so with its last lines, and recovers", async () => {
    change("exec node server.js", "echo no weights in the cache >&2; exit 3");
    const output = await failsThenRecovers(() =>
      change("echo no weights in the cache >&2; exit 3", "exec node server.js"),
    );
    assert.match(output, /no weights in the cache/);
    assert.match(output, /3/);
  });

  it("because setup fails: says so with its last lines, and recovers", async () => {
    change(`run: "exec`, `setup: "echo no such package >&2; false", run: "exec`);
    const output = await failsThenRecovers(() => change(`setup: "echo no such package >&2; false", `, ""));
    assert.match(output, /setup/);
    assert.match(output, /no such package/);
  });

  it("because the readiness path never answers: says what the probe saw, and recovers", async () => {
    change(`path: "/health"`, `path: "/nothing-here"`);
    const output = await failsThenRecovers(() => change(`path: "/nothing-here"`, `path: "/health"`));
    assert.match(output, /404/);
    assert.match(output, /nothing-here/);
  });

  it("because the port was taken between check and create: names the port, and recovers", async () => {
    const other = createServer((_, response) => response.end("somebody else"));
    const { folder } = deployment.service.places;
    // The store's folder is the first thing that a create makes; its data plane takes longer to start than we to listen.
    const taken = eventually("the create has begun", () => existsSync(folder), { everyMs: 2 }).then(
      () => new Promise<void>((resolve) => other.listen(deployment.port, "127.0.0.1", resolve)),
    );
    const output = await failsThenRecovers(async () => {
      await taken;
      await new Promise((resolve) => other.close(resolve));
    });
    assert.match(output, new RegExp(String(deployment.port)));
  });

  it("is destroyed without a trace", async () => {
    change("exec node server.js", "exit 1");
    assert.notEqual((await deployment.workspace.up()).code, 0);
    await deployment.workspace.must("destroy", "--yes", "--skip-preview");
    await deployment.assertNothingLeft();
  });
});
