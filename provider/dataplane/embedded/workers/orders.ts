import type { DesiredRouting } from "../../../core/routing";
import type { KeyPair } from "../../../core/spec/tls-input";
import type { DataPlaneReport } from "../../../ports/dataplane";
import type { WireError } from "../../protocol";
import type { SentEntries } from "./entry-sender";

/** What a worker can be told. With an `apply` comes the listener, where it has another one until then, or none. */
export type Order =
  | { method: "apply"; desired: DesiredRouting; keyPair: KeyPair | undefined }
  | { method: "observe" }
  /** Answered with the handle by which it listens. */
  | { method: "listener" }
  /** No new connections; it ends when those that are open have ended. */
  | { method: "leave" };

export type ToWorker = (Order & { id: number }) | { method: "shutdown"; graceSeconds: number };

export type FromWorker =
  | { kind: "done"; id: number; report: DataPlaneReport }
  | { kind: "failed"; id: number; error: WireError }
  /** A request waits at a route that has no replica at all. */
  | { kind: "waiting" }
  | ({ kind: "access" } & SentEntries)
  /** The last word of one that was told to leave: what it has counted. */
  | { kind: "left"; report: DataPlaneReport };
