import assert from "node:assert/strict";
import { eventually } from "../e2e/harness/eventually";
import { freePort } from "../e2e/harness/free-port";
import { InstalledProject } from "./installed-project";
import { readmeFile } from "./readme";

describe("the package, installed from its tarball into an empty project outside the repository", function () {
  this.timeout(300_000);
  let project: InstalledProject;

  before(async () => {
    project = await InstalledProject.create({
      "index.ts": readmeFile("index.ts"),
      "app/server.js": readmeFile("app/server.js"),
    });
  });
  after(() => project?.dispose());

  it("holds compiled code with types, README and licence: no sources, no tests, no examples", () => {
    const others = project.packed.files.filter((file) => !/^dist\/(sdk|provider)\/.*(\.d\.ts|\.js)$/.test(file));
    assert.deepEqual(others.sort(), ["LICENSE", "README.md", "package.json"]);
    for (const file of [
      "dist/sdk/index.js",
      "dist/sdk/index.d.ts",
      "dist/provider/index.js",
      "dist/provider/index.d.ts",
    ])
      assert.ok(project.packed.files.includes(file), file);
  });

  for (const [module, resolution] of [
    ["commonjs", "node10"],
    ["node16", "node16"],
    ["preserve", "bundler"],
  ] as const) {
    it(`is found with its types by a program compiled with moduleResolution ${resolution}`, async () => {
      project.write(
        "types.ts",
        [
          'import * as serve from "pulumi-serve";',
          'import { planSurge } from "pulumi-serve/provider";',
          "export const cap: number | undefined =",
          '  planSurge({ pools: [{ name: "a", from: 4, to: 4 }], maxSurgePercent: 25 }).cap["a"];',
          'new serve.ServeService("a", { endpoint: { port: 1 } });',
          "// @ts-expect-error no such field",
          'new serve.ServeService("b", { endpoint: { port: 1 }, tsl: true });',
        ].join("\n"),
      );
      const options = [
        "--noEmit",
        "--strict",
        "--target",
        "ES2022",
        "--module",
        module,
        "--moduleResolution",
        resolution,
      ];
      await project.must("npx", "tsc", ...options, "--skipLibCheck", "types.ts", "index.ts");
    });
  }

  it("brings its command along", async () => {
    const { stdout } = await project.must("npx", "pulumi-serve", "plan", "--replicas", "4", "--json");
    assert.deepEqual((JSON.parse(stdout) as { cap: unknown }).cap, { pool: 5 });
  });

  it("deploys the README's program, rolls it over and says that nothing changed", async () => {
    const port = await freePort();
    await project.must("pulumi", "stack", "init", "dev", "--non-interactive");
    await project.must("pulumi", "config", "set", "port", String(port));
    await project.must("pulumi", "up", "--yes", "--skip-preview", "--non-interactive");
    const url = (await project.must("pulumi", "stack", "output", "url")).stdout.trim();
    assert.equal(url, `http://127.0.0.1:${port}`);
    assert.match(await (await fetch(url)).text(), /Hello/);

    project.write("app/server.js", readmeFile("app/server.js").replace("Hello", "Good day"));
    await project.must("pulumi", "up", "--yes", "--skip-preview", "--non-interactive");
    assert.match(await (await fetch(url)).text(), /Good day/);
    await project.must("pulumi", "preview", "--expect-no-changes", "--non-interactive");

    const { stdout } = await project.must("npx", "pulumi-serve", "status");
    assert.match(stdout, /READY|RUNNING|SERVING/i);
  });

  it("rolls over and destroys, once it is upgraded, what the older version deployed", async () => {
    const url = (await project.must("pulumi", "stack", "output", "url")).stdout.trim();
    const [older] = project.processes().filter(({ command }) => command.includes("pulumi-serve agent"));
    await project.upgrade("99.0.0");
    project.write("app/server.js", readmeFile("app/server.js").replace("Hello", "Good night"));
    await project.must("pulumi", "up", "--yes", "--skip-preview", "--non-interactive");
    assert.match(await (await fetch(url)).text(), /Good night/);
    const agents = project.processes().filter(({ command }) => command.includes("pulumi-serve agent"));
    assert.equal(agents.length, 1);
    assert.notEqual(agents[0]!.pid, older!.pid, "the newer version's agent has taken over");

    await project.upgrade("99.0.1");
    await project.must("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive");
    await eventually("no process of the service is left", () => project.processes().length === 0);
    await assert.rejects(fetch(url));
  });
});
