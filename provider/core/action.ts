import type { ExternalGate, GateFacts } from "./gate/external";
import type { DesiredRouting } from "./routing";
import type { Market } from "./spot/candidate";
import type { PoolSpec } from "./spec/pool";

/** What the controller does after the state is persisted. Each is idempotent; its result is an observation of a later tick. */
export type Action =
  | {
      kind: "launch";
      replicaId: string;
      pool: string;
      spec: PoolSpec;
      market: Market;
      zone: string | null;
      /** Absent: the spec has only one. */
      shape?: string;
    }
  | { kind: "terminate"; replicaId: string; reason: string }
  | { kind: "route"; desired: DesiredRouting }
  /** Replaces the program on the replica's VM; `restarts` names the try, so that it happens once. */
  | { kind: "restart"; replicaId: string; pool: string; spec: PoolSpec; restarts: number }
  /** Sends the spec's userConfig; asked again until it is acknowledged or refused. */
  | { kind: "reconfigure"; replicaId: string; address: { host: string; port: number }; spec: PoolSpec }
  /** Asks a command or a webhook for its verdict, once a key. */
  | { kind: "runGate"; key: string; gate: ExternalGate; facts: GateFacts }
  /** Everything is gone: the data plane, the store and the agent may end. */
  | { kind: "dissolve" };
