import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { copyWithoutClouds } from "./without-clouds";

describe("the CLI's sources without the clouds' SDKs", () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "pulumi-serve-sources-"))));
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  it("are not made of another version, whose parts to be taken out are not where they were", () => {
    const file = path.join(folder, "from/operations/resources.go");
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, "package operations\n", { mode: 0o444 });
    assert.throws(
      () => copyWithoutClouds(path.join(folder, "from"), path.join(folder, "to")),
      /resources\.go.*case "aws"/,
    );
  });
});
