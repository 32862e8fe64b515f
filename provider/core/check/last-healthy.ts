import { lastLeaving } from "./moves";
import { violation, type InvariantCheck } from "./step";
import { readyOf } from "./world";

/**
 * No action ends a pool's last ready replica. A declared delete, a pool declared to have none, and a rollout whose
 * floor for the pool is none (allowOutage) are exempt.
 */
export const lastHealthy: InvariantCheck = (step) => {
  const { events, after } = step;
  if (after.deleting) return [];
  return Object.entries(after.declared).flatMap(([pool, replicas]) => {
    if (replicas === 0 || after.removed.has(pool) || readyOf(after, pool, null).length > 0) return [];
    if (after.rollout?.floor?.[pool] === 0) return [];
    const ending = lastLeaving(events, readyOf(step.faced, pool, null));
    if (ending === undefined) return [];
    return [
      violation("lastHealthy", ending, `The last ready replica of pool "${pool}" was ended with nothing in its place.`),
    ];
  });
};
