import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AccessEntry } from "../../provider/dataplane/access-entry";
import { AccessLog } from "../../provider/dataplane/access-log";
import { logFormat, parseLine } from "../../provider/dataplane/haproxy/log-lines";
import { accessLogFile } from "../../provider/host/paths";

function entry(path: string): AccessEntry {
  return {
    time: "2026-11-30T00:00:00.000Z",
    client: "127.0.0.1",
    method: "GET",
    path,
    protocol: "HTTP/1.1",
    status: 200,
    bytes: 2,
    pool: "pool",
    revision: "aaaaaaaaaaaaaaaa",
    role: "primary",
    replica: "replica",
    tries: 1,
    queueMs: 0,
    firstByteMs: 1,
    totalMs: 2,
    end: "whole",
  };
}

const LINE = JSON.stringify(entry("/0000")).length + 1;

describe("the file of the access log", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "access-log-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const read = (name = accessLogFile(folder)): Record<string, unknown>[] =>
    readFileSync(name, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it("keeps the order, goes on where it ended, and is for this user's eyes only", async () => {
    for (const paths of [["/1", "/2"], ["/3"]]) {
      const log = new AccessLog(folder);
      for (const path of paths) log.add(entry(path));
      await log.flush();
    }
    assert.deepEqual(
      read().map(({ path }) => path),
      ["/1", "/2", "/3"],
    );
    assert.equal(statSync(accessLogFile(folder)).mode & 0o777, 0o600);
  });

  it("never takes more than twice its size, and begins a new one between two lines", async () => {
    const fileBytes = 10 * LINE;
    const log = new AccessLog(folder, { fileBytes, waitingCharacters: 100 * LINE });
    for (let number = 0; number < 100; number += 1) {
      log.add(entry(`/${String(number).padStart(4, "0")}`));
      if (number % 4 === 3) await log.flush();
    }
    const file = accessLogFile(folder);
    for (const name of [file, `${file}.1`]) {
      assert.ok(statSync(name).size <= fileBytes, name);
      assert.equal(statSync(name).mode & 0o777, 0o600);
    }
    assert.equal(read().at(-1)!["path"], "/0099");
    assert.equal(read(`${file}.1`).length, 8);
  });

  it("says how many lines are missing when the disk did not follow", async () => {
    const log = new AccessLog(folder, { fileBytes: 1000 * LINE, waitingCharacters: 5 * LINE });
    for (let number = 0; number < 12; number += 1) log.add(entry("/0000"));
    await log.flush();
    assert.equal(read().length, 6);
    assert.equal(read()[0]!["lost"], 7);
    log.add(entry("/0001"));
    await log.flush();
    assert.equal(read().filter(({ lost }) => lost !== undefined).length, 1);
  });

  it("goes on, and says what is missing, when it could not be written for a while", async () => {
    const log = new AccessLog(folder);
    mkdirSync(accessLogFile(folder));
    for (const path of ["/1", "/2"]) log.add(entry(path));
    await log.flush();
    rmSync(accessLogFile(folder), { recursive: true });
    log.add(entry("/3"));
    await log.flush();
    assert.equal(read()[0]!["lost"], 2);
    assert.equal(read()[1]!["path"], "/3");
  });
});

describe("a line of HAProxy's log", () => {
  const common = "p0a a.b.c 200 -- 0 1 2 3 10 +1 p0";

  it("is read without what the access log needs, as an older package's HAProxy tells it", () => {
    const line = parseLine(common)!;
    assert.equal(line.access, null);
    assert.equal(line.pool, 0);
    assert.equal(line.timeToFirstByte, 6);
  });

  it("is read with it, even if it was cut in its path", () => {
    const line = parseLine(`${common} 1700000000000 ::1 GET HTTP/2.0 1234 - /v1/ch`)!;
    assert.deepEqual(line.access, {
      endedAt: 1_700_000_000_000,
      client: "::1",
      method: "GET",
      protocol: "HTTP/2",
      path: "/v1/ch",
      bytes: 1234,
      queueMs: 1,
      retries: 1,
      room: null,
    });
  });

  it("that was cut before is not read", () => {
    assert.equal(parseLine(`${common} 1700000000000 ::1 GET`), null);
    assert.equal(parseLine("p0a a.b.c 200"), null);
  });

  it("has the same beginning either way", () => {
    assert.ok(logFormat(true).startsWith(logFormat(false)));
  });
});
