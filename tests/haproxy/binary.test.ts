import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findHaproxy } from "../../provider/dataplane/haproxy/binary";

describe("the HAProxy of a computer", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "haproxy-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const saying = (words: string): void => {
    writeFileSync(join(folder, "haproxy"), `#!/bin/sh\necho "${words}"\n`);
    chmodSync(join(folder, "haproxy"), 0o755);
  };

  it("is refused in a sentence when it is not there, too old, or something else", () => {
    const reason = (): string => {
      const found = findHaproxy([folder]);
      assert.equal(found.kind, "unusable");
      return (found as { reason: string }).reason;
    };
    assert.match(reason(), /no `haproxy` on PATH: install HAProxy 2\.6 or newer/);
    saying("HA-Proxy version 1.8.8");
    assert.match(reason(), /does not say its version/);
    saying("HAProxy version 2.4.22-f8e3218");
    assert.match(reason(), /is HAProxy 2\.4, too old: install 2\.6 or newer/);
    saying("HAProxy version 3.2.1 2026/01/01 - https://haproxy.org/");
    assert.equal(findHaproxy([folder]).kind, "found");
  });
});
