import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

describe("the examples' programs", function () {
  this.timeout(180_000);
  const examples = join(__dirname, "../../examples");

  for (const example of readdirSync(examples)) {
    it(`${example} has the right types, though a deployment does not wait for them to be checked`, () => {
      const compiler = require.resolve("typescript/bin/tsc");
      const args = [compiler, "--noCheck", "false", "-p", join(examples, example)];
      const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
      assert.equal(status, 0, stdout);
    });
  }
});
