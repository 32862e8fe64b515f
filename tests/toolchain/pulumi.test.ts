import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { pins } from "./pins";
import { bringPulumi, cacheFolder, pulumiEnvironment } from "./pulumi";
import { isAtLeast, versionIn } from "./version";

describe("bringing the Pulumi CLI", () => {
  let folder: string;
  let said: string[];
  const say = (line: string): number => said.push(line);

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "pulumi-serve-toolchain-"));
    said = [];
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  function program(file: string, body: string): void {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }

  function cli(place: string, version: string): string {
    program(path.join(place, "pulumi"), `echo v${version}`);
    program(path.join(place, "pulumi-language-nodejs"), "exit 0");
    return place;
  }

  /** A machine whose PATH has nothing but these folders, and a cache of its own. */
  function machine(...onPath: string[]): NodeJS.ProcessEnv {
    return { HOME: folder, XDG_CACHE_HOME: path.join(folder, "cache"), PATH: onPath.join(path.delimiter) };
  }

  /** A `curl` that answers with an installer like the official one, and notes each call. */
  function installerOnPath(version: string): { place: string; calls: () => number } {
    const place = path.join(folder, "with-curl");
    const calls = path.join(folder, "calls");
    const script = [
      "#!/bin/sh",
      "sleep 0.3",
      `mkdir -p "$4/bin"`,
      `printf '#!/bin/sh\\necho v${version}\\n' > "$4/bin/pulumi"`,
      `printf '#!/bin/sh\\n' > "$4/bin/pulumi-language-nodejs"`,
      `chmod 755 "$4/bin/pulumi" "$4/bin/pulumi-language-nodejs"`,
    ].join("\n");
    fs.writeFileSync(path.join(folder, "installer"), script);
    program(
      path.join(place, "curl"),
      `echo called >> '${calls}'\nwhile [ "$1" != "-o" ]; do shift; done\ncp '${path.join(folder, "installer")}' "$2"`,
    );
    return {
      place,
      calls: () => (fs.existsSync(calls) ? fs.readFileSync(calls, "utf8").trim().split("\n").length : 0),
    };
  }

  it("takes the one on PATH when it is new enough, and says nothing", async () => {
    const bin = cli(path.join(folder, "new"), "3.300.1");
    assert.deepEqual(await bringPulumi({ env: machine(bin), say }), { bin, version: "3.300.1", from: "path" });
    assert.deepEqual(said, []);
  });

  it("follows a link on PATH to the folder that has the language host too", async () => {
    const bin = cli(path.join(folder, "installed"), pins.oldestCli);
    const links = path.join(folder, "links");
    fs.mkdirSync(links);
    fs.symlinkSync(path.join(bin, "pulumi"), path.join(links, "pulumi"));
    assert.equal((await bringPulumi({ env: machine(links), say })).bin, bin);
  });

  it("passes over an old one and one without its language host, and takes the cache", async () => {
    const old = cli(path.join(folder, "old"), "3.100.0");
    const lone = path.join(folder, "lone");
    program(path.join(lone, "pulumi"), "echo v3.300.0");
    const env = machine(old, lone);
    cli(cacheFolder(env), pins.cli);
    assert.deepEqual(await bringPulumi({ env, say }), { bin: cacheFolder(env), version: pins.cli, from: "cache" });
  });

  it("keeps what the official installer brought, and says that it was tried and how long it took", async () => {
    const { place } = installerOnPath(pins.cli);
    const env = machine(place, "/usr/bin", "/bin");
    assert.equal((await bringPulumi({ env, say })).from, "installer");
    assert.match(said[0] ?? "", /trying the official installer/);
    assert.match(said.at(-1) ?? "", /ready after [0-9.]+ s/);
    assert.equal((await bringPulumi({ env, say })).from, "cache");
  });

  it("brings it once when two runs want it at the same time", async () => {
    const { place, calls } = installerOnPath(pins.cli);
    const env = machine(place, "/usr/bin", "/bin");
    const both = await Promise.all([bringPulumi({ env, say }), bringPulumi({ env, say })]);
    assert.deepEqual(both.map((one) => one.from).sort(), ["cache", "installer"]);
    assert.equal(calls(), 1);
    assert.ok(said.some((line) => line.includes("another run is bringing")));
  });

  it("goes on from a run that was killed while bringing it, and removes what that left", async () => {
    const { place } = installerOnPath(pins.cli);
    const env = machine(place, "/usr/bin", "/bin");
    const lock = `${cacheFolder(env)}.lock`;
    const rest = path.join(path.dirname(lock), ".unfinished-x");
    fs.mkdirSync(rest, { recursive: true });
    fs.writeFileSync(lock, "1\n");
    const longAgo = new Date(Date.now() - 60_000);
    fs.utimesSync(lock, longAgo, longAgo);
    assert.equal((await bringPulumi({ env, say })).from, "installer");
    assert.deepEqual(fs.readdirSync(path.dirname(lock)), [path.basename(cacheFolder(env))]);
  });

  it("refuses an installer that brought another version, and keeps nothing of it", async () => {
    const { place } = installerOnPath("3.1.0");
    // Just what the installer needs, so that no Go is found.
    const tools = path.join(folder, "tools");
    fs.mkdirSync(tools);
    for (const name of ["sh", "sleep", "mkdir", "chmod", "cp"]) fs.symlinkSync(`/bin/${name}`, path.join(tools, name));
    const env = machine(place, tools);
    await assert.rejects(bringPulumi({ env, say }), /calls itself 3\.1\.0/);
    assert.deepEqual(fs.readdirSync(path.dirname(cacheFolder(env))), []);
  });

  it("says in one sentence what to do when it cannot be had, and then what was tried", async () => {
    await assert.rejects(bringPulumi({ env: machine(folder), say }), (error: Error) => {
      const [sentence, ...tried] = error.message.split("\n");
      assert.match(sentence ?? "", /^No Pulumi CLI could be had\. Install /);
      assert.deepEqual(
        tried.map((line) => line.trim().split(":")[0]),
        ["PATH", "cache", "the official installer", "a build from Go modules (about 4 minutes on 2 cores)"],
      );
      return true;
    });
  });

  it("names the same versions in the pins and in the modules that are built", () => {
    const required = (module: string, name: string): string | undefined =>
      new RegExp(`github.com/pulumi/pulumi/${name} v(\\S+)`).exec(
        fs.readFileSync(path.join(__dirname, "go", module, "go.mod"), "utf8"),
      )?.[1];
    assert.equal(required("cli", "pkg/v3"), pins.cli);
    assert.equal(required("cli", "sdk/v3"), pins.cli);
    assert.equal(required("language-host", "sdk/v3"), pins.languageHost);
  });

  it("asks for a CLI as new as the SDK that the tests run with", () => {
    const sdk = JSON.parse(fs.readFileSync(require.resolve("@pulumi/pulumi/package.json"), "utf8")) as {
      version: string;
    };
    assert.equal(pins.oldestCli, sdk.version);
  });

  it("reads versions as programs print them", () => {
    assert.equal(versionIn("v3.259.0-dev.1\n"), "3.259.0");
    assert.equal(versionIn("none"), null);
    assert.ok(isAtLeast("3.259.0", "3.248.0") && isAtLeast("4.0.0", "3.248.9") && isAtLeast("3.248.0", "3.248.0"));
    assert.ok(!isAtLeast("3.99.9", "3.248.0"));
  });

  it("keeps the caller's own Pulumi out of the environment that it hands out", () => {
    const before = process.env["PULUMI_ACCESS_TOKEN"];
    process.env["PULUMI_ACCESS_TOKEN"] = "somebody's";
    try {
      const env = pulumiEnvironment({ bin: "/somewhere", version: pins.cli, from: "path" }, folder);
      assert.equal(env["PULUMI_ACCESS_TOKEN"], undefined);
      for (const name of ["PULUMI_HOME", "XDG_STATE_HOME"]) assert.ok(env[name]?.startsWith(folder), name);
      assert.equal(env["PULUMI_BACKEND_URL"], `file://${folder}/backend`);
      const places = env["PATH"]?.split(path.delimiter) ?? [];
      assert.equal(places[0], "/somewhere");
      assert.ok(fs.existsSync(path.join(places[1] ?? "", "pulumi-resource-pulumi-nodejs")));
    } finally {
      if (before === undefined) delete process.env["PULUMI_ACCESS_TOKEN"];
      else process.env["PULUMI_ACCESS_TOKEN"] = before;
    }
  });
});
