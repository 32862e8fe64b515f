import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { serviceFolder } from "../../provider/host/paths";
import type { Store } from "../../provider/ports/store";
import { LEASE_EXPIRY_MS, listServices, openFileStore, openFileStoreAt } from "../../provider/store/file";
import { firstLine, kill, startTypeScript, until } from "./children";
import { intentWith, stateWith } from "./documents";
import { closeStore, code, holder, IDENTITY, openStore } from "./world";

const WRITER = join(__dirname, "writer.ts");

describe("the file store", () => {
  let store: Store;
  let warnings: string[];

  beforeEach(async () => ({ store, warnings } = await openStore()));
  afterEach(closeStore);

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

    it("are written only by whoever names the newest version (argo#3200)", async () => {
      await store.writeIntent(0, intentWith(1));
      await assert.rejects(store.writeIntent(0, intentWith(2)), code("StoreConflict"));
      await store.writeIntent(1, intentWith(2));
      await assert.rejects(store.writeIntent(3, intentWith(4)), code("StoreConflict"));
      assert.deepEqual(await store.readIntent(), { version: 2, value: intentWith(2) });
    });

    it("are told of at once: of each new intent, whoever wrote it, and of nothing else", async () => {
      await store.writeIntent(0, intentWith(1));
      let told = 0;
      const unwatch = store.watchIntent!(() => (told += 1))!;
      try {
        await openFileStore(IDENTITY).writeIntent(1, intentWith(2));
        await until("it is told", () => told === 1);
        await assert.rejects(store.writeIntent(1, intentWith(3)), code("StoreConflict"));
        for (let version = 2; version < 12; version += 1) await store.writeIntent(version, intentWith(version + 1));
        await until("the last one is told", () => told > 1);
        assert.ok(told <= 11);
      } finally {
        unwatch();
      }
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
      for (let again = 0; again < 2; again++) {
        await assert.rejects(store.readIntent(), code("StoreCorrupt", /intent is whole\. Put back 000000000001\.json/));
      }
    });

    it("of a newer format are refused by name", async () => {
      await store.writeIntent(0, { ...intentWith(1), schemaVersion: 2 as 1 });
      await assert.rejects(store.readIntent(), code("Unsupported", /format 2, this package knows 1/));
    });

    /** Some time, which ends amid any step of a write, and on a busy computer as long as a write needs. */
    const writeFor = async (milliseconds: number, written: () => Promise<boolean>) => {
      const start = Date.now();
      await until("some writes", async () => Date.now() - start > milliseconds && (await written()));
    };

    it("stay readable when writers of the intent are killed in mid-write", async () => {
      await store.writeIntent(0, intentWith(0));
      const writers = [0, 1, 2].map(() => startTypeScript(WRITER, [store.location, "intent"]));
      await Promise.all(writers.map(firstLine));
      let last = 1;
      for (const writer of writers) {
        await writeFor(130, async () => (await store.readIntent()).version > last);
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
        await writeFor(100 * round, async () => ((await store.readState())?.version ?? 0) > before);
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

  it("makes its folder private even where it was open before", async () => {
    mkdirSync(join(store.location, "intent"), { recursive: true });
    chmodSync(store.location, 0o755);
    await store.create();
    assert.equal(statSync(store.location).mode & 0o777, 0o700);
  });
});
