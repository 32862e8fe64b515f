import type { ObservedDataPlane } from "../core/observed";
import type { DesiredRouting } from "../core/routing";
import type { KeyPair } from "../core/spec/tls-input";

/** The balancer, whichever engine it is. */
export interface DataPlane {
  /**
   * Whole and idempotent; resolves when in force. `keyPair` is what `balancer.tls` of the routing names: without it a routing
   * with TLS is refused. Throws ServeError: StaleEpoch, EndpointInUse, InvalidInput, DataPlaneUnreachable.
   */
  apply(desired: DesiredRouting, keyPair?: KeyPair): Promise<void>;
  observe(): Promise<DataPlaneReport>;
  /** Lets running requests end (at most `graceSeconds`), then closes the endpoint and ends the engine. */
  shutdown(graceSeconds: number): Promise<void>;
}

export interface DataPlaneReport extends ObservedDataPlane {
  pid: number;
  startedAt: number;
  /** What the listener is bound to; null before the first routing. */
  endpoint: { host: string; port: number } | null;
  /** Since the engine started; a restart sets them back to 0. */
  routes: Record<string, RouteMetrics>;
  metrics: Record<string, ReplicaMetrics>;
}

export interface RouteMetrics {
  queued: number;
  /** Refused with 503: the queue was full, or no replica could take the request in time. */
  rejected: number;
  /** First attempts per version: their ratio is exactly the weights'. */
  firstAttempts: { primary: number; canary: number };
}

export interface ReplicaMetrics {
  attempts: number;
  completed: number;
  /** Attempts that failed before a response byte (retried elsewhere or answered 502). */
  errors: number;
  /** Responses that broke off after their first byte: visible truncations. */
  truncated: number;
  retries: number;
  /** Counts per bucket; upper bounds in milliseconds are `LATENCY_BOUNDS_MS`, the last bucket is "above". */
  latency: number[];
  timeToFirstByte: number[];
}

export const LATENCY_BOUNDS_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000,
];
