import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { computerId } from "../../provider/host/computer";
import { serviceFolder } from "../../provider/host/paths";
import { ownIdentity } from "../../provider/host/process-identity";
import { hashTar, hashWorkdir, packWorkdir } from "../../provider/host/workdir";
import type { Store } from "../../provider/ports/store";
import {
  LEASE_EXPIRY_MS,
  listServices,
  openFileStore,
  openFileStoreAt,
  SWEEP_GRACE_MS,
} from "../../provider/store/file";
import { firstLine, kill, killChildren, startTypeScript, until } from "./children";
import { eventAt, intentWith, stateWith } from "./documents";
import { makeFolder, removeFolders } from "./folders";

const IDENTITY = "p/s/chat";
const WRITER = join(__dirname, "writer.ts");

const code = (expected: string, sentence?: RegExp) => (error: Error & { code?: string }) => {
  assert.equal(error.code, expected, error.stack);
  if (sentence) assert.match(error.message, sentence);
  return true;
};

describe("the file store", function () {
  const before = process.env.XDG_STATE_HOME;
  let store: Store;
  let warnings: string[];

  beforeEach(async () => {
    process.env.XDG_STATE_HOME = makeFolder();
    warnings = [];
    store = openFileStore(IDENTITY, { warn: (sentence) => warnings.push(sentence) });
    await store.create();
  });

  afterEach(async () => {
    await killChildren();
    if (before === undefined) delete process.env.XDG_STATE_HOME;
    else process.env.XDG_STATE_HOME = before;
    removeFolders();
  });

  const holder = () => ({ ...ownIdentity(), computer: computerId(), packageVersion: "1.0.0" });
  const versions = (document: string) => readdirSync(join(store.location, document)).sort();
  const damageNewest = (document: string) => {
    const file = join(
      store.location,
      document,
      versions(document)
        .filter((name) => name.endsWith(".json"))
        .at(-1)!,
    );
    truncateSync(file, statSync(file).size >> 1);
  };

  describe("as a place", () => {
    it("is this user's alone, is listed, and opens by its folder", async () => {
      assert.equal(statSync(store.location).mode & 0o777, 0o700);
      assert.equal(store.location, serviceFolder(IDENTITY));
      assert.deepEqual(await listServices(), [{ identity: IDENTITY, folder: store.location }]);
      assert.equal(openFileStoreAt(store.location).identity, IDENTITY);
    });

    it("keeps what is there when it is created again", async () => {
      await store.writeIntent(0, intentWith(1));
      await store.create();
      assert.equal((await store.readIntent()).value.service.incarnation, 1);
    });

    it("is missing after destroy, which may be repeated, and nothing is left on disk", async () => {
      await store.writeIntent(0, intentWith(1));
      await store.destroy();
      await store.destroy();
      assert.equal(await store.exists(), false);
      await assert.rejects(store.readIntent(), code("StoreMissing", /run `pulumi up`/i));
      await assert.rejects(store.writeState(0, stateWith(1, 1)), code("StoreMissing"));
      assert.throws(() => openFileStoreAt(store.location), code("StoreMissing"));
      assert.deepEqual(readdirSync(join(store.location, "..")), []);
    });

    it("that another computer made never looks deleted", async () => {
      await store.writeIntent(0, intentWith(1));
      writeFileSync(
        join(store.location, "service.json"),
        JSON.stringify({ identity: IDENTITY, computer: "f".repeat(32) }),
      );
      assert.equal(await store.exists(), true);
      for (const use of [
        () => store.readIntent(),
        () => store.writeIntent(1, intentWith(2)),
        () => store.readState(),
        () => store.readLease(),
        () => store.create(),
        () => store.destroy(),
      ]) {
        await assert.rejects(use, code("StoreElsewhere", /another computer .* use `pulumi` there/));
      }
      assert.equal(existsSync(join(store.location, "intent")), true);
    });
  });

  describe("documents", () => {
    it("do not exist before the first write", async () => {
      assert.equal(await store.readState(), null);
      await assert.rejects(store.readIntent(), code("StoreMissing"));
    });

    it("are written only by whoever names the newest version", async () => {
      await store.writeIntent(0, intentWith(1));
      await assert.rejects(store.writeIntent(0, intentWith(2)), code("StoreConflict"));
      await store.writeIntent(1, intentWith(2));
      await assert.rejects(store.writeIntent(3, intentWith(4)), code("StoreConflict"));
      assert.deepEqual(await store.readIntent(), { version: 2, value: intentWith(2) });
    });

    it("lose no increment under 20 writers at once", async () => {
      await store.writeIntent(0, intentWith(0));
      const increment = async (): Promise<void> => {
        const own = openFileStore(IDENTITY);
        const { version, value } = await own.readIntent();
        await own.writeIntent(version, intentWith(value.service.incarnation + 1)).catch((error: { code?: string }) => {
          if (error.code !== "StoreConflict") throw error;
          return increment();
        });
      };
      await Promise.all(Array.from({ length: 20 }, increment));
      const { version, value } = await store.readIntent();
      assert.deepEqual([version, value.service.incarnation], [21, 20]);
      assert.ok(versions("intent").length <= 9, versions("intent").join());
    });

    it("fall back to the newest whole version, say so, and count on above it", async () => {
      for (let n = 1; n <= 3; n++) await store.writeIntent(n - 1, intentWith(n));
      damageNewest("intent");
      assert.deepEqual(await store.readIntent(), { version: 3, value: intentWith(2) });
      assert.match(warnings.join(), /000000000003\.json is damaged; it is kept as/);
      assert.ok(versions("intent").includes("000000000003.json.corrupt"));
      await store.writeIntent(3, intentWith(9));
      assert.deepEqual(await store.readIntent(), { version: 4, value: intentWith(9) });
    });

    it("of which no version is whole say which file to put back", async () => {
      await store.writeIntent(0, intentWith(1));
      damageNewest("intent");
      for (const _ of [1, 2]) {
        await assert.rejects(store.readIntent(), code("StoreCorrupt", /intent is whole\. Put back 000000000001\.json/));
      }
    });

    it("of a newer format are refused by name", async () => {
      await store.writeIntent(0, { ...intentWith(1), schemaVersion: 2 as 1 });
      await assert.rejects(store.readIntent(), code("Unsupported", /format 2, this package knows 1/));
    });

    const writeFor = async (milliseconds: number) => {
      const start = Date.now();
      await until("some writes", () => Date.now() - start > milliseconds);
    };

    it("stay readable when writers of the intent are killed in mid-write", async () => {
      await store.writeIntent(0, intentWith(0));
      const writers = [0, 1, 2].map(() => startTypeScript(WRITER, [store.location, "intent"]));
      await Promise.all(writers.map(firstLine));
      let last = 1;
      for (const writer of writers) {
        await writeFor(130);
        await kill(writer);
        const { version, value } = await store.readIntent();
        assert.ok(version > last, `${version} after ${last}`);
        assert.equal(value.service.incarnation, version - 1, "a write was lost");
        last = version;
      }
      await store.writeIntent(last, intentWith(last));
      assert.deepEqual(warnings, []);
    });

    it("stay readable when the writer of the state is killed in mid-write, and the next one goes on", async () => {
      for (let round = 1; round <= 2; round++) {
        const before = (await store.readState())?.version ?? 0;
        const child = startTypeScript(WRITER, [store.location, "state"]);
        assert.equal(await firstLine(child), `epoch ${round}`);
        await writeFor(100 * round);
        await kill(child);
        const found = await store.readState();
        assert.ok(found !== null && found.version > before);
        assert.equal(found.value.epoch, round);
      }
      assert.deepEqual(warnings, []);
    });
  });

  describe("the lease", () => {
    it("is one holder's until it is released, and each holder gets a higher epoch", async () => {
      assert.equal(await store.readLease(), null);
      const first = await store.acquireLease(holder());
      await assert.rejects(
        store.acquireLease(holder()),
        code("LeaseHeld", new RegExp(`Process ${process.pid} on this`)),
      );
      await store.renewLease(first.epoch);
      await store.releaseLease(first.epoch);
      assert.equal(await store.readLease(), null);
      assert.equal((await store.acquireLease(holder())).epoch, first.epoch + 1);
    });

    it("goes to exactly one of many who ask at once", async () => {
      const asked = await Promise.allSettled(
        Array.from({ length: 10 }, () => openFileStore(IDENTITY).acquireLease(holder())),
      );
      assert.equal(asked.filter(({ status }) => status === "fulfilled").length, 1);
    });

    it("can be taken as soon as its holder was killed, and fences what that one wrote", async () => {
      const child = startTypeScript(WRITER, [store.location, "lease"]);
      assert.equal(await firstLine(child), "epoch 1");
      assert.equal((await store.readLease())!.dead, false);
      await assert.rejects(store.acquireLease(holder()), code("LeaseHeld"));
      await kill(child);
      assert.equal((await store.readLease())!.dead, true);
      await store.writeState(0, stateWith(1, 1));
      assert.equal((await store.acquireLease(holder())).epoch, 2);
      await assert.rejects(store.writeState(1, stateWith(1, 2)), code("StaleEpoch", /epoch 2 has taken over/));
      await assert.rejects(store.renewLease(1), code("StaleEpoch"));
      await store.releaseLease(1);
      assert.equal((await store.readLease())!.epoch, 2);
    });

    it("of a holder that hangs is dead after ten seconds without a sign of life", async () => {
      const { epoch } = await store.acquireLease(holder());
      const then = new Date(Date.now() - LEASE_EXPIRY_MS - 1000);
      utimesSync(join(store.location, "lease", versions("lease").at(-1)!), then, then);
      assert.equal((await store.readLease())!.dead, true);
      assert.equal((await openFileStore(IDENTITY).acquireLease(holder())).epoch, epoch + 1);
      await assert.rejects(store.renewLease(epoch), code("StaleEpoch"));
    });

    it("that is damaged names nobody and its epoch is not given out again", async () => {
      await store.acquireLease(holder());
      damageNewest("lease");
      assert.equal(await store.readLease(), null);
      assert.equal((await store.acquireLease(holder())).epoch, 2);
    });

    it("does not let an old epoch write even where the lease's files are gone", async () => {
      await store.writeState(0, stateWith(5, 1));
      await assert.rejects(store.writeState(1, stateWith(4, 2)), code("StaleEpoch"));
    });
  });

  describe("the event log", () => {
    const log = () => join(store.location, "events.jsonl");
    const seqs = async (from: number) => (await store.readEvents(from)).map(({ seq }) => seq);

    it("appends what it does not have, whoever wrote before", async () => {
      assert.deepEqual(await seqs(0), []);
      await store.appendEvents([eventAt(0), eventAt(1)]);
      await store.appendEvents([eventAt(1), eventAt(2)]);
      await openFileStore(IDENTITY).appendEvents([eventAt(2), eventAt(3)]);
      await store.appendEvents([eventAt(3), eventAt(4)]);
      assert.deepEqual(await seqs(0), [0, 1, 2, 3, 4]);
      assert.deepEqual(await seqs(3), [3, 4]);
      await store.appendEvents([eventAt(5)]);
      assert.deepEqual(await seqs(5), [5]);
      assert.deepEqual(await seqs(1), [1, 2, 3, 4, 5]);
    });

    it("has a torn last line skipped by readers and dropped by the next writer", async () => {
      await store.appendEvents([eventAt(0), eventAt(1)]);
      const whole = readFileSync(log(), "utf8");
      appendFileSync(log(), JSON.stringify(eventAt(2)).slice(0, 20));
      assert.deepEqual(await seqs(0), [0, 1]);
      await openFileStore(IDENTITY).appendEvents([eventAt(2)]);
      assert.deepEqual(await seqs(0), [0, 1, 2]);
      assert.equal(readFileSync(log(), "utf8"), `${whole}${JSON.stringify(eventAt(2))}\n`);
    });

    it("finds its end behind a line longer than what is read at once", async () => {
      const long = { ...eventAt(1), replica: "x".repeat(200_000) } as ReturnType<typeof eventAt>;
      await store.appendEvents([eventAt(0), long]);
      appendFileSync(log(), `{"seq":2,"torn":"${"y".repeat(100_000)}`);
      await openFileStore(IDENTITY).appendEvents([long, eventAt(2)]);
      assert.deepEqual(await seqs(0), [0, 1, 2]);
    });

    it("has no gap and no double when its writer is killed", async () => {
      for (let round = 0; round < 2; round++) {
        const child = startTypeScript(WRITER, [store.location, "events"]);
        await firstLine(child);
        const before = (await seqs(0)).length;
        await until("more events", async () => (await seqs(0)).length > before + 20);
        await kill(child);
        const found = await seqs(0);
        assert.deepEqual(found, [...found.keys()]);
      }
    });
  });

  describe("blobs and secrets", () => {
    const workdir = () => {
      const folder = makeFolder();
      writeFileSync(join(folder, "server.py"), "print(1)\n");
      return folder;
    };

    it("keep a workdir under its content hash", async () => {
      const folder = workdir();
      const { hash } = await hashWorkdir(folder);
      assert.equal(await store.hasBlob(hash), false);
      await store.putBlob(hash, packWorkdir(folder));
      await store.putBlob(hash, packWorkdir(folder));
      assert.equal(await store.hasBlob(hash), true);
      assert.equal(await hashTar(await store.openBlob(hash)), hash);
    });

    it("refuse a workdir that changed on the way, and leave nothing of it", async () => {
      const folder = workdir();
      const { hash } = await hashWorkdir(folder);
      writeFileSync(join(folder, "server.py"), "print(2)\n");
      await assert.rejects(store.putBlob(hash, packWorkdir(folder)), code("InvalidInput", /files changed while/));
      await assert.rejects(store.putBlob(hash, Readable.from(["not a tar"])), code("InvalidInput"));
      const broken = Readable.from(
        (async function* () {
          yield Buffer.alloc(512);
          throw Object.assign(new Error("ENOENT: gone"), { code: "ENOENT" });
        })(),
      );
      await assert.rejects(store.putBlob(hash, broken), code("InvalidInput", /could not be read .*ENOENT: gone/));
      assert.equal(await store.hasBlob(hash), false);
      assert.deepEqual(readdirSync(join(store.location, "blobs")), []);
    });

    it("that are missing say what brings them back", async () => {
      await assert.rejects(store.openBlob("a".repeat(64)), code("StoreCorrupt", /run `pulumi up`/));
      await assert.rejects(store.getSecret("nobody"), code("StoreCorrupt", /run `pulumi up`/));
    });

    it("keep secrets readable by this user only, and never show one in a message", async () => {
      await store.putSecret("env-1", { TOKEN: "hunter2" });
      const file = join(store.location, "secrets", "env-1.json");
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.equal(statSync(join(store.location, "secrets")).mode & 0o777, 0o700);
      assert.deepEqual(await store.getSecret("env-1"), { TOKEN: "hunter2" });
      truncateSync(file, 15);
      await assert.rejects(store.getSecret("env-1"), (error: Error) => !error.stack!.includes("hunter"));
      await assert.rejects(store.putSecret("../escape", 1), TypeError);
    });

    it("are swept when nobody refers to them, but not those just put for an intent still to be written", async () => {
      const folder = workdir();
      const { hash } = await hashWorkdir(folder);
      await store.putBlob(hash, packWorkdir(folder));
      await store.putSecret("old", 1);
      await store.putSecret("kept", 2);
      await store.putSecret("young", 3);
      const then = new Date(Date.now() - SWEEP_GRACE_MS - 1000);
      const age = (path: string) => utimesSync(join(store.location, path), then, then);
      for (const path of [`blobs/${hash}.tar`, "secrets/old.json", "secrets/kept.json"]) age(path);
      await store.sweep({ blobs: new Set([hash]), secrets: new Set(["kept"]) });
      assert.deepEqual(readdirSync(join(store.location, "secrets")).sort(), ["kept.json", "young.json"]);
      assert.equal(await store.hasBlob(hash), true);
      await store.sweep({ blobs: new Set(), secrets: new Set(["kept"]) });
      assert.equal(await store.hasBlob(hash), true, "asking for it counted as use");
      age(`blobs/${hash}.tar`);
      await store.sweep({ blobs: new Set(), secrets: new Set(["kept"]) });
      assert.equal(await store.hasBlob(hash), false);
    });
  });

  describe("on a disk that refuses", () => {
    const mounted: string[] = [];
    const mount = (options: string): string => {
      const folder = makeFolder();
      execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], { stdio: "ignore" });
      mounted.push(folder);
      return folder;
    };
    afterEach(() => {
      for (const folder of mounted.splice(0)) execFileSync("umount", [folder]);
    });

    it("because it is full, loses nothing and goes on once there is space", async function () {
      let home: string;
      try {
        home = mount("size=512k");
      } catch {
        return this.skip();
      }
      process.env.XDG_STATE_HOME = home;
      store = openFileStore(IDENTITY);
      await store.create();
      await store.writeIntent(0, intentWith(1));
      const { epoch } = await store.acquireLease(holder());
      await store.writeState(0, stateWith(epoch, 1));
      await store.appendEvents([eventAt(0)]);
      const ballast = join(home, "ballast");
      try {
        writeFileSync(ballast, Buffer.alloc(1 << 20));
      } catch {
        assert.ok(existsSync(ballast));
      }
      const refused = code("StoreUnwritable", /the disk is full: free some space/);
      await assert.rejects(store.writeIntent(1, intentWith(2)), refused);
      await assert.rejects(store.writeState(1, stateWith(epoch, 2)), refused);
      await assert.rejects(store.appendEvents([{ ...eventAt(1), replica: "x".repeat(9000) } as never]), refused);
      await assert.rejects(store.putSecret("s", "x".repeat(9000)), refused);
      await store.renewLease(epoch);
      assert.deepEqual(await store.readIntent(), { version: 1, value: intentWith(1) });
      assert.deepEqual((await store.readState())!.value, stateWith(epoch, 1));
      assert.equal((await store.readEvents(0)).length, 1);
      truncateSync(ballast, 0);
      await store.writeIntent(1, intentWith(2));
      await store.writeState(1, stateWith(epoch, 2));
      await store.appendEvents([eventAt(1)]);
      assert.deepEqual(
        (await store.readEvents(0)).map(({ seq }) => seq),
        [0, 1],
      );
    });

    it("because it is read-only, can still be read", async function () {
      let home: string;
      try {
        home = mount("size=1m");
      } catch {
        return this.skip();
      }
      process.env.XDG_STATE_HOME = home;
      store = openFileStore(IDENTITY);
      await store.create();
      await store.writeIntent(0, intentWith(1));
      execFileSync("mount", ["-o", "remount,ro", home]);
      assert.equal((await store.readIntent()).version, 1);
      await assert.rejects(store.writeIntent(1, intentWith(2)), code("StoreUnwritable", /mounted read-only/));
    });
  });

  it("makes its folder private even where it was open before", async () => {
    mkdirSync(join(store.location, "intent"), { recursive: true });
    chmodSync(store.location, 0o755);
    await store.create();
    assert.equal(statSync(store.location).mode & 0o777, 0o700);
  });
});
