import { ensureAgent } from "../agent/start";
import { systemClock } from "../host/clock";
import { serviceFolder } from "../host/paths";
import type { Clock } from "../ports/clock";
import type { Reporter } from "../ports/reporter";
import type { Store } from "../ports/store";
import { openFileStore } from "../store/file";
import { engineReporter } from "./engine-reporter";

/** What handlers touch of the world; tests give their own. */
export interface Edge {
  openStore(identity: string): Store;
  /** Starts the service's agent when none lives, or asks for one of this package's version. */
  ensureAgent(store: Store): Promise<unknown>;
  reporter(urn: unknown): Reporter;
  clock: Clock;
}

export const realEdge: Edge = {
  openStore: (identity) => openFileStore(identity),
  ensureAgent: (store) => ensureAgent(store, serviceFolder(store.identity)),
  reporter: (urn) => engineReporter(typeof urn === "string" ? urn : undefined),
  clock: systemClock,
};
