import { lastLeaving } from "./moves";
import { violation, type InvariantCheck } from "./step";
import { readyOf } from "./world";

/**
 * No action ends a pool's last ready replica. A declared delete, a pool declared to have none, and a rollout whose
 * floor for the pool is none (allowOutage) are exempt. So is what a pool began to come up by and never served as: there
 * is nothing to roll from, so another template applies at once.
 */
export const lastHealthy: InvariantCheck = (step) => {
  const { events, after } = step;
  if (after.deleting) return [];
  return Object.entries(after.declared).flatMap(([pool, replicas]) => {
    if (replicas === 0 || after.removed.has(pool) || readyOf(after, pool, null).length > 0) return [];
    if (after.rollout?.floor?.[pool] === 0) return [];
    const stood = readyOf(step.faced, pool, null).filter(
      ({ revision }) => revision === (after.first[pool] ?? revision),
    );
    const ending = lastLeaving(events, stood);
    if (ending === undefined) return [];
    return [
      violation("lastHealthy", ending, `The last ready replica of pool "${pool}" was ended with nothing in its place.`),
    ];
  });
};
