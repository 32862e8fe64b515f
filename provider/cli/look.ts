import { sentenceOf } from "../core/errors";
import { DataPlaneClient } from "../dataplane/client";
import type { DataPlaneReport } from "../ports/dataplane";
import { openFileStoreAt } from "../store/file";
import type { LocatedService } from "./services";
import { serviceView, type ServiceView } from "./view/service";

/** One look at a service. A store that cannot be read is told beside the others, not instead of them. */
export type Look = { kind: "seen"; view: ServiceView } | { kind: "broken"; identity: string; reason: string };

export async function lookAt({ identity, folder }: LocatedService, now: number): Promise<Look> {
  try {
    const store = openFileStoreAt(folder);
    const [intent, state, lease, dataplane] = await Promise.all([
      store.readIntent(),
      store.readState(),
      store.readLease(),
      reportOf(folder),
    ]);
    return {
      kind: "seen",
      view: serviceView({ intent: intent.value, state: state?.value ?? null, lease, dataplane, now }),
    };
  } catch (error) {
    return { kind: "broken", identity, reason: sentenceOf(error) };
  }
}

/** Null: the balancer does not answer. Looking must never start or change it. */
async function reportOf(folder: string): Promise<DataPlaneReport | null> {
  try {
    const dataplane = await DataPlaneClient.connect(folder);
    return await dataplane.observe().finally(() => dataplane.close());
  } catch {
    return null;
  }
}
