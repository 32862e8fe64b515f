import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { closingLine, closingWords, mocha, type Tally } from "./mocha";
import { suitesIn } from "./suites";

describe("running the suites", () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "pulumi-serve-suites-"))));
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  async function outcomeOf(body: string): Promise<Tally> {
    const file = path.join(folder, "some.test.js");
    fs.writeFileSync(file, body);
    return mocha(["--no-config", file], "ignore");
  }

  async function tallyOf(body: string): Promise<string> {
    return closingLine(await outcomeOf(body));
  }

  it("counts what passed, failed and was skipped", async () => {
    assert.equal(
      await tallyOf('it("a", () => {}); it("b", () => { throw new Error("b"); }); it.skip("c", () => {});'),
      "1 passed, 1 failed, 1 skipped",
    );
  });

  it("counts a process that died as a failure, however many of its tests had passed", async () => {
    assert.equal(await tallyOf('it("a", () => {}); it("b", () => process.exit(0));'), "0 passed, 1 failed, 0 skipped");
    assert.equal(await tallyOf('throw new Error("does not load");'), "0 passed, 1 failed, 0 skipped");
  });

  it("says once more at the end what failed and how: of a long report often only the end is kept", async () => {
    const words = closingWords(
      await outcomeOf('describe("of a", () => { it("b", () => { throw new Error("why"); }); it("c", () => {}); });'),
    );
    assert.match(words, /^\n== failed: .*some\.test\.js: of a b\n {3}Error: why\n/);
    assert.doesNotMatch(words, /of a c/);
    const died = closingWords(await outcomeOf('it("a", () => process.exit(3));'));
    assert.match(died, /some\.test\.js: its process ended before its tests had \(exit 3\)/);
    const late = closingWords(
      await outcomeOf('it("a", () => {}); process.once("beforeExit", () => process.reallyExit(3));'),
    );
    assert.match(late, /some\.test\.js: its process failed after its tests had passed \(exit 3\)/);
  });

  it("cleans up what a test had started when it is interrupted", async () => {
    const mark = path.join(folder, "cleaned");
    const interrupt = JSON.stringify(path.join(__dirname, "interrupt.ts"));
    const body = `
      const { whenInterrupted } = require(${interrupt});
      it("never ends", () => new Promise(() => {
        whenInterrupted(() => require("node:fs").writeFileSync(${JSON.stringify(mark)}, ""));
        process.kill(process.pid, "SIGINT");
      }));`;
    const file = path.join(folder, "some.test.js");
    fs.writeFileSync(file, body);
    const required = ["run-typescript.js", "interrupt.ts"].map((name) => path.join(__dirname, name));
    const report = await mocha(["--no-config", ...required.flatMap((name) => ["--require", name]), file], "ignore");
    assert.equal(closingLine(report), "0 passed, 1 failed, 0 skipped");
    assert.ok(fs.existsSync(mark));
  });

  it("runs the core first, what it does not know before what needs the CLI, and what measures alone at the end", () => {
    for (const file of [
      "e2e/a",
      "e2e/kills",
      "e2e/lifecycle",
      "demo/a",
      "core/deep/a",
      "unheard-of/a",
      "soak/a",
      "store/a",
      "moments/a",
    ]) {
      fs.mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
      fs.writeFileSync(path.join(folder, `${file}.test.ts`), "");
    }
    fs.mkdirSync(path.join(folder, "without-tests"));
    assert.deepEqual(suitesIn(folder), {
      early: ["core", "store", "unheard-of"],
      late: ["e2e/lifecycle.test.ts", "e2e/a.test.ts", "demo/a.test.ts"],
      alone: ["moments/a.test.ts", "e2e/kills.test.ts"],
    });
  });
});
