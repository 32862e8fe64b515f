import { violation, type InvariantCheck } from "./step";
import { readyOf } from "./world";

/** No action ends a pool's last ready replica. A declared delete, and a pool declared to have none, are exempt. */
export const lastHealthy: InvariantCheck = ({ before, events, after }) => {
  if (after.deleting) return [];
  return Object.entries(after.declared).flatMap(([pool, replicas]) => {
    if (replicas === 0 || after.removed.has(pool) || readyOf(after, pool, null).length > 0) return [];
    const last = readyOf(before, pool, null).map(({ id }) => id);
    const ending = events.findLast(
      (event) =>
        (event.kind === "replicaDraining" || event.kind === "replicaTerminating") && last.includes(event.replica),
    );
    if (ending === undefined) return [];
    return [
      violation("lastHealthy", ending, `The last ready replica of pool "${pool}" was ended with nothing in its place.`),
    ];
  });
};
