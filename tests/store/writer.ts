/** A process of its own that writes to a store until it is killed. `writer.ts <folder> intent|state|events|lease`. */
import { openFileStoreAt } from "../../provider/store/file";
import { ownIdentity } from "../../provider/host/process-identity";
import { computerId } from "../../provider/host/computer";
import { eventAt, intentWith, stateWith } from "./documents";

async function main(): Promise<void> {
  const [folder, what] = process.argv.slice(2) as [string, "intent" | "state" | "events" | "lease"];
  const store = openFileStoreAt(folder);
  if (what === "lease" || what === "state") {
    const holder = { ...ownIdentity(), computer: computerId(), packageVersion: "1.0.0" };
    const { epoch } = await store.acquireLease(holder);
    process.stdout.write(`epoch ${epoch}\n`);
    for (let n = 0; what === "lease"; n++) await store.renewLease(epoch);
    for (let n = 0; ; n++) await store.writeState((await store.readState())?.version ?? 0, stateWith(epoch, n));
  }
  process.stdout.write("ready\n");
  if (what === "intent") {
    for (;;) {
      const { version, value } = await store.readIntent();
      await store.writeIntent(version, intentWith(value.service.incarnation + 1)).catch((error: { code?: string }) => {
        if (error.code !== "StoreConflict") throw error;
      });
    }
  }
  for (let seq = 0; ; seq++) await store.appendEvents([eventAt(seq)]);
}

void main();
