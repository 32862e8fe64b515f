import type { Intent } from "../../provider/core/intent";
import { computerId } from "../../provider/host/computer";
import { ownIdentity } from "../../provider/host/process-identity";
import type { LeaseHolder, Store } from "../../provider/ports/store";
import { openFileStore } from "../../provider/store/file";
import { makeFolder } from "../store/folders";

let services = 0;

/** Points this process and its children to a state home of their own; the function undoes it. */
export function ownStateHome(): () => void {
  const before = process.env["XDG_STATE_HOME"];
  process.env["XDG_STATE_HOME"] = makeFolder();
  return () => {
    if (before === undefined) delete process.env["XDG_STATE_HOME"];
    else process.env["XDG_STATE_HOME"] = before;
  };
}

/** A service's store with this intent, as a handler leaves it. */
export async function storeService(intent: Intent): Promise<Store> {
  services += 1;
  const identity = `test/controller/service-${process.pid}-${services}`;
  const store = openFileStore(identity);
  await store.create();
  await store.writeIntent(0, { ...intent, identity });
  return store;
}

export function holder(): LeaseHolder {
  return { ...ownIdentity(), computer: computerId(), packageVersion: "0.1.0" };
}

/** Changes the intent as a handler would, against whoever else writes. */
export async function redeclared(store: Store, change: (intent: Intent) => void): Promise<void> {
  const { version, value } = await store.readIntent();
  const next = structuredClone(value);
  change(next);
  await store.writeIntent(version, next);
}
