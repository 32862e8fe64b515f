import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shim } from "../../sdk/shim";

const TYPES = ["ServeService", "ReplicaPool", "Rollout"] as const;

describe("the text that Pulumi keeps in the state", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "shim-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Loads the text in a bare node, in a project folder, and prints what `check` gives. */
  function check(type: (typeof TYPES)[number]): string {
    const text = JSON.stringify(shim(type));
    const script = `const m = new (require("node:module"))(""); m.paths = [${JSON.stringify(join(folder, "node_modules"))}];
      m._compile(${text}, "");
      m.exports.handler().check({ a: 1 }, { b: 2 }).then((r) => console.log(JSON.stringify(r)), (e) => console.log(e.message));`;
    return execFileSync(process.execPath, ["-e", script], { cwd: folder, encoding: "utf8" });
  }

  it("is the same to the byte as in every earlier release", () => {
    const golden = readFileSync(join(__dirname, "shim.golden.txt"), "utf8");
    assert.equal(TYPES.map(shim).join("\n"), golden);
  });

  it("is under 1 KB and captures nothing", () => {
    for (const type of TYPES)
      assert.ok(Buffer.byteLength(shim(type)) < 1024, `${type}: ${Buffer.byteLength(shim(type))}`);
  });

  it("forwards to the handler of its type in the installed package", () => {
    const installed = join(folder, "node_modules", "pulumi-serve");
    mkdirSync(installed, { recursive: true });
    const handlers = TYPES.map((type) => `${type}: { check: async (o, n) => ["${type}", o, n] }`).join();
    writeFileSync(join(installed, "provider.js"), `exports.handlers = { ${handlers} };`);
    for (const type of TYPES) assert.deepEqual(JSON.parse(check(type)), [type, { a: 1 }, { b: 2 }]);
  });

  it("says what to do where the package is not installed", () => {
    assert.match(check("Rollout"), /pulumi-serve cannot be loaded from .*shim-.*: run npm install pulumi-serve there/);
  });
});
