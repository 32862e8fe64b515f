import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "../../provider/ports/store";
import { openFileStore } from "../../provider/store/file";
import { eventAt, intentWith, stateWith } from "./documents";
import { makeFolder } from "./folders";
import { closeStore, code, holder, IDENTITY, openStore } from "./world";

describe("the file store on a disk", () => {
  let store: Store;

  beforeEach(async () => ({ store } = await openStore()));
  afterEach(closeStore);

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
});
