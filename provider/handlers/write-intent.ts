import { ServeError } from "../core/errors";
import type { Intent } from "../core/intent";
import type { Store } from "../ports/store";

const MOST_TRIES = 20;

export interface Written {
  intent: Intent;
  /** The follower waits until the controller has seen this version. */
  version: number;
  changed: boolean;
}

/** Applies a pure change by compare-and-set, again on what another writer made of it meanwhile. */
export async function changeIntent(store: Store, change: (intent: Intent) => Intent): Promise<Written> {
  return writeIntent(store, async () => {
    const { version, value } = await store.readIntent();
    return { version, before: value, after: change(value) };
  });
}

/** The same for a service that may have no intent yet. */
export async function beginIntent(store: Store, change: (intent: Intent | null) => Intent): Promise<Written> {
  return writeIntent(store, async () => {
    const found = await intentIfAny(store);
    return { version: found?.version ?? 0, before: found?.value ?? null, after: change(found?.value ?? null) };
  });
}

/** Null: no store, or a store whose create was killed before its first intent. */
export async function intentIfAny(store: Store) {
  try {
    return await store.readIntent();
  } catch (error) {
    if (error instanceof ServeError && error.code === "StoreMissing") return null;
    throw error;
  }
}

async function writeIntent(
  store: Store,
  attempt: () => Promise<{ version: number; before: Intent | null; after: Intent }>,
): Promise<Written> {
  for (let tries = 1; ; tries++) {
    const { version, before, after } = await attempt();
    if (after === before) return { intent: after, version, changed: false };
    try {
      await store.writeIntent(version, after);
      return { intent: after, version: version + 1, changed: true };
    } catch (error) {
      if (!(error instanceof ServeError) || error.code !== "StoreConflict" || tries === MOST_TRIES) throw error;
    }
  }
}
