import type { DesiredRouting } from "./routing";
import type { PoolSpec } from "./spec/pool";

/** What the controller does after the state is persisted. Each is idempotent; its result is an observation of a later tick. */
export type Action =
  | { kind: "launch"; replicaId: string; pool: string; spec: PoolSpec; market: "onDemand" | "spot" }
  | { kind: "terminate"; replicaId: string; reason: string }
  | { kind: "route"; desired: DesiredRouting }
  /** Everything is gone: the data plane, the store and the agent may end. */
  | { kind: "dissolve" };
