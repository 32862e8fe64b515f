import type { DesiredRouting } from "../../../core/routing";
import type { BalancerSpec } from "../../../core/spec/pool";
import { maxLoadGap } from "../../affinity";

/** Each needs a place of its own, of every limit: never more workers than that. */
export function workersOf(balancer: BalancerSpec): number {
  const { workers = 1, maxInFlightPerReplica, maxQueue, limits } = balancer;
  const most = [maxInFlightPerReplica, limits?.maxConnections ?? workers, maxQueue === 0 ? workers : maxQueue];
  return Math.max(1, Math.min(workers, ...most));
}

/**
 * What one of `of` workers is to serve: the whole routing, with its part of every limit, so that all of them together keep to
 * it without asking each other. Where more than the limit are there (those that leave count too), each has one place.
 */
export function shareOf(desired: DesiredRouting, place: number, of: number): DesiredRouting {
  const { workers: _, ...balancer } = desired.balancer;
  const part = (limit: number): number => Math.floor(limit / of) + (place < limit % of ? 1 : 0);
  const { affinity, limits } = balancer;
  const gap = affinity === undefined ? null : maxLoadGap(affinity);
  const connections = limits?.maxConnections;
  return {
    ...desired,
    balancer: {
      ...balancer,
      maxInFlightPerReplica: Math.max(1, part(balancer.maxInFlightPerReplica)),
      maxQueue: part(balancer.maxQueue),
      // It sees its own part of the load only.
      ...(affinity === undefined || gap === null ? {} : { affinity: { ...affinity, maxLoadGap: Math.ceil(gap / of) } }),
      ...(connections === undefined ? {} : { limits: { ...limits, maxConnections: Math.max(1, part(connections)) } }),
    },
  };
}
