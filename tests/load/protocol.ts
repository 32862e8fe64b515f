import type { Kill, Reconnect, RequestRecord } from "./record";
import type { LoadReport } from "./report";

/** What the load's own process is told, and what it answers: over node's IPC channel. */
export type ToLoad = { kind: "kill"; kill: Kill } | { kind: "progress" } | { kind: "stop" };

export type FromLoad =
  | { kind: "ready" }
  | { kind: "progress"; progress: LoadProgress }
  | { kind: "report"; report: LoadReport; records: RequestRecord[] };

export interface LoadProgress {
  requests: number;
  troubles: number;
  reconnects: Reconnect[];
  /** End of the newest request that was answered well; null before the first. */
  lastOkAt: number | null;
  byModel: Record<string, number>;
  /** Streams that run at this instant, by replica. */
  openStreams: Record<string, number>;
}

export interface LoadOptions {
  url: string;
  /** Keep-alive clients; every third asks for streams. Default 16. */
  clients?: number;
  token?: string;
  /** What each client lets pass between an answer and its next request. Default 0. */
  pauseMs?: number;
  /** Default 30,000. */
  patienceMs?: number;
}
