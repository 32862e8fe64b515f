import type { ConfigAnswer } from "../core/observed";

/** Sends a userConfig to a running replica. */
export interface Configurer {
  /**
   * Resolves with the replica's own word: 2xx acknowledges, 4xx refuses. Throws when there was none (connection refused,
   * timeout, 5xx, and the 4xx that mean "not now": 408, 425, 429): the caller tries again. The words of a refusal never
   * show a value of the config.
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
