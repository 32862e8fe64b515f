import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { hashTar, hashWorkdir, packWorkdir } from "../../provider/host/workdir";
import type { Store } from "../../provider/ports/store";
import { openFileStore, SWEEP_GRACE_MS } from "../../provider/store/file";
import { firstLine, kill, startTypeScript, until } from "./children";
import { eventAt } from "./documents";
import { makeFolder } from "./folders";
import { closeStore, code, IDENTITY, openStore } from "./world";

const WRITER = join(__dirname, "writer.ts");

describe("the file store's contents", () => {
  let store: Store;

  beforeEach(async () => ({ store } = await openStore()));
  afterEach(closeStore);

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
});
