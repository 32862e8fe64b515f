import type { Draft } from "../draft";
import type { Replica } from "../state";

/** Takes a replica out of the routing; what follows comes when its requests are over, or at the deadline. */
export function beginDrain(draft: Draft, replica: Replica, reason: string, afterDrain: Replica["afterDrain"]): void {
  draft.patchReplica(replica.id, {
    status: "draining",
    reason,
    drainSince: draft.now,
    drainDeadline: draft.now + drainSeconds(draft, replica) * 1000,
    drainGeneration: null,
    drainInForce: false,
    afterDrain,
  });
  draft.say({ kind: "replicaDraining", replica: replica.id, reason });
}

/** When its time to drain is over, if nothing cuts it short. */
export function wholeDrain(draft: Draft, replica: Replica): number {
  return (replica.drainSince ?? draft.now) + drainSeconds(draft, replica) * 1000;
}

const DRAIN_SECONDS_WITHOUT_SPEC = 60;

function drainSeconds(draft: Draft, replica: Replica): number {
  const pool = draft.pool(replica.pool);
  const spec = [pool.primary, pool.canary].find((each) => each?.revision === replica.revision);
  return spec?.drainSeconds ?? replica.drainSeconds ?? pool.primary?.drainSeconds ?? DRAIN_SECONDS_WITHOUT_SPEC;
}
