import type { BalancerSpec } from "../core/spec/pool";

/** What one client may take of the balancer's time, and how many of them there may be. */
export interface ClientLimits {
  headSeconds: number;
  bodySeconds: number;
  idleSeconds: number;
  stalledSeconds: number;
  /** Infinity: as many as this computer has room for. */
  maxConnections: number;
}

const DEFAULTS: ClientLimits = {
  headSeconds: 30,
  // A slow upload must get through, a dead one must not stay for ever.
  bodySeconds: 3600,
  // Longer than any client, or load balancer in front, waits between two requests: who closes first loses the request that is
  // just being sent.
  idleSeconds: 650,
  stalledSeconds: 600,
  maxConnections: Infinity,
};

/** The limits in force. Both engines take them from here, so that they agree. */
export function clientLimits({ limits }: BalancerSpec): ClientLimits {
  return {
    headSeconds: limits?.headSeconds ?? DEFAULTS.headSeconds,
    bodySeconds: limits?.bodySeconds ?? DEFAULTS.bodySeconds,
    idleSeconds: limits?.idleSeconds ?? DEFAULTS.idleSeconds,
    stalledSeconds: limits?.stalledSeconds ?? DEFAULTS.stalledSeconds,
    maxConnections: limits?.maxConnections ?? DEFAULTS.maxConnections,
  };
}
