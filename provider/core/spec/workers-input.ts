import { whole } from "./field";

/** Each is a process of its own. */
export const workersInput = whole(1, 64).optional();

interface Balancer {
  engine?: unknown;
  workers?: unknown;
  maxInFlightPerReplica?: unknown;
  maxQueue?: unknown;
  limits?: { maxConnections?: unknown } | undefined;
}

/** What is wrong with the number of workers; null: nothing, or that is not known yet. */
export function workersFault(balancer: Balancer): string | null {
  const { engine, workers } = balancer;
  if (typeof workers !== "number" || workers === 1) return null;
  if (engine === "haproxy")
    return 'must be left out with engine "haproxy", which has a thread for each core anyway: it is for "embedded"';
  const limits = {
    maxInFlightPerReplica: balancer.maxInFlightPerReplica,
    // No queue at all is nothing to have a part of.
    maxQueue: balancer.maxQueue === 0 ? undefined : balancer.maxQueue,
    "limits.maxConnections": balancer.limits?.maxConnections,
  };
  for (const [limit, most] of Object.entries(limits)) {
    if (typeof most === "number" && most < workers)
      return `must not be more than balancer.${limit}, which is ${most}: each worker has its part of that, and needs 1 at least`;
  }
  return null;
}
