import type { BalancerSpec, ReadinessSpec, Revision } from "./spec/pool";

/** Where clients reach a service. Port 0: the system chooses one. */
export interface Endpoint {
  host: string;
  port: number;
}

export function sameEndpoint(a: Endpoint | undefined, b: Endpoint): boolean {
  return a?.host === b.host && a.port === b.port;
}

/** The whole routing of a service. Idempotent: the data plane works out the difference itself. */
export interface DesiredRouting {
  /** Fencing number of the sender: an older one is refused. */
  epoch: number;
  /** Counts up with every change of content; acknowledged when in force. */
  generation: number;
  endpoint: Endpoint;
  balancer: BalancerSpec;
  /** Longest prefix wins. */
  routes: DesiredRoute[];
}

export interface DesiredRoute {
  prefix: string;
  pool: string;
  /** Used by the data plane's own active health checks of members. */
  readiness: ReadinessSpec;
  primary: DesiredVersion | null;
  canary: DesiredVersion | null;
  /** How long a request may wait while the route has no replica at all, in seconds; absent: as long as any other one. */
  wakeSeconds?: number;
  /** Out of service for new requests; their running ones go on and are still reported by `observe()`. */
  draining: DesiredReplica[];
}

export interface DesiredVersion {
  revision: Revision;
  /** Integer share of first attempts, canary : primary; 0 = only by version header. */
  weight: number;
  replicas: DesiredReplica[];
}

export interface DesiredReplica {
  id: string;
  host: string;
  port: number;
  /** How much it carries; only its ratio to the others of its version counts. Absent: 1. */
  weight?: number;
}
