import type { ConfigAnswer } from "../core/observed";

/** Sends a userConfig to a running replica. */
export interface Configurer {
  /**
   * Resolves with the replica's own word: 2xx acknowledges, 4xx refuses. Throws when there was none (connection refused,
   * timeout, 5xx): the caller tries again.
   */
  send(request: ConfigRequest): Promise<ConfigAnswer>;
}

export interface ConfigRequest {
  replicaId: string;
  address: { host: string; port: number };
  method: "POST" | "PUT";
  path: string;
  timeoutSeconds: number;
  hash: string;
  /** In clear; sent as JSON and kept nowhere. */
  config: unknown;
}
