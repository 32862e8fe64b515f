import { setTimeout as sleep } from "node:timers/promises";
import { ensureAgent } from "../agent/start";
import { deleteService } from "../core/declare";
import { ServeError } from "../core/errors";
import { systemClock } from "../host/clock";
import type { Store } from "../ports/store";
import { openFileStoreAt } from "../store/file";
import { purgeDirectly } from "./purge-directly";
import type { LocatedService } from "./services";

const LOOK_EVERY_MS = 100;
const KEEP_AGENT_EVERY_MS = 5_000;
/** Without any change for this long nobody is at work; drains are the longest thing that looks like it. */
const STUCK_MS = 300_000;
const WRITE_TRIES = 20;

/** Ends everything of a service and returns when its store is gone. */
export async function purgeService(service: LocatedService, say: (line: string) => void): Promise<void> {
  const store = openFileStoreAt(service.folder);
  try {
    await throughAgent(store, service, say);
  } catch (error) {
    if (!(error instanceof ServeError && error.code === "StoreCorrupt")) throw error;
    say("its store is damaged, so that no agent can work from it; what it runs is ended directly");
    await purgeDirectly(store, service);
  }
}

/** As a `pulumi destroy` would: with drains, and by the one process that may act. */
async function throughAgent(store: Store, { folder, identity }: LocatedService, say: (line: string) => void) {
  if (!(await markDeleting(store))) {
    // Without an intent no agent ever ran, so nothing else can be there.
    await store.destroy();
    return;
  }
  let keepAgentAt = 0;
  let shown = "";
  let changedAt = systemClock.now();
  while (await store.exists()) {
    const now = systemClock.now();
    const state = await unlessGone(() => store.readState());
    if (now >= keepAgentAt) {
      await unlessGone(() => ensureAgent(store, folder));
      keepAgentAt = now + KEEP_AGENT_EVERY_MS;
    }
    const line = `${Object.keys(state?.value.replicas ?? {}).length} replicas left`;
    if (line !== shown) {
      say(line);
      changedAt = now;
    }
    shown = line;
    if (now - changedAt > STUCK_MS) throw stuck(identity, folder);
    await sleep(LOOK_EVERY_MS);
  }
}

/** False: there is nothing declared that could be deleted. */
async function markDeleting(store: Store): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { version, value } = await store.readIntent();
      const deleted = deleteService(value, value.service.incarnation);
      if (deleted !== value) await store.writeIntent(version, deleted);
      return true;
    } catch (error) {
      const code = error instanceof ServeError ? error.code : null;
      if (code === "StoreMissing") return false;
      if (code !== "StoreConflict" || attempt === WRITE_TRIES) throw error;
    }
  }
}

/** The store goes between two looks: that is what we wait for. */
async function unlessGone<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof ServeError && error.code === "StoreMissing") return null;
    throw error;
  }
}

function stuck(identity: string, folder: string): ServeError {
  return new ServeError({
    code: "AgentUnreachable",
    scope: "agent",
    retryable: true,
    reasons: [`Nothing moves any more for ${identity}: see ${folder}/agent.log, then run purge again.`],
  });
}
