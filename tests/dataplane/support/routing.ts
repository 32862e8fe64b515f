import { digest } from "../../../provider/core/digest";
import type { BalancerSpec, TlsSpec } from "../../../provider/core/spec/pool";
import type { KeyPair } from "../../../provider/core/spec/tls-input";
import type { DesiredReplica, DesiredRoute, DesiredRouting, DesiredVersion } from "../../../provider/core/routing";

export const PRIMARY = "aaaaaaaaaaaaaaaa";
export const CANARY = "bbbbbbbbbbbbbbbb";

let generation = 0;

const BALANCER: BalancerSpec = {
  policy: "leastLoad",
  maxInFlightPerReplica: 256,
  maxQueue: 100,
  queueTimeoutSeconds: 5,
  // Longer than any stream that says nothing is held open, on a computer that is slow: it would be cut, as it should be.
  requestTimeoutSeconds: 120,
  maxHeaderBytes: 16_384,
  maxBodyBytes: 8 * 1024 * 1024,
  replayBufferBytes: 1024 * 1024,
  retry: { attempts: 2, nonIdempotent: true },
};

export function balancer(change: Partial<BalancerSpec> = {}): BalancerSpec {
  return { ...BALANCER, ...change };
}

export function version(weight: number, replicas: DesiredReplica[], revision = PRIMARY): DesiredVersion {
  return { revision, weight, replicas };
}

export function route(change: Partial<DesiredRoute>): DesiredRoute {
  return {
    prefix: "/",
    pool: "pool",
    readiness: {
      path: "/health",
      startupGraceSeconds: 60,
      intervalSeconds: 1,
      timeoutSeconds: 1,
      successThreshold: 1,
      failureThreshold: 2,
      method: "GET",
      requestSecret: null,
    },
    primary: null,
    canary: null,
    draining: [],
    ...change,
  };
}

/** A routing with the next generation, on a port that the system chooses unless `change` says otherwise. */
export function routing(routes: DesiredRoute[], change: Partial<DesiredRouting> = {}): DesiredRouting {
  generation += 1;
  return { epoch: 1, generation, endpoint: { host: "127.0.0.1", port: 0 }, balancer: balancer(), routes, ...change };
}

/** The common case: one route, primary replicas only. */
export function primaryOnly(replicas: DesiredReplica[], change: Partial<BalancerSpec> = {}): DesiredRouting {
  return routing([route({ primary: version(1, replicas) })], { balancer: balancer(change) });
}

/** By what a routing names a key pair. */
export function tlsOf(pair: KeyPair): TlsSpec {
  return { secret: `tls-${digest(pair)}` };
}
