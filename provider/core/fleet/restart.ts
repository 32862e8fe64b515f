import type { Draft } from "../draft";
import type { ObservedVm } from "../observed";
import type { PoolSpec, Revision } from "../spec/pool";
import type { Replica } from "../state";

/**
 * The replica's VM stays and its program becomes one of this revision. For a replica without requests: drained, or never
 * ready. Its VM must have been seen; one that is still launching is ended instead.
 */
export function restartNow(draft: Draft, replica: Replica, revision: Revision): void {
  const restarts = replica.restarts + 1;
  draft.patchReplica(replica.id, {
    status: "restarting",
    revision,
    restarts,
    startedAt: draft.now,
    configured: null,
    refusedConfig: null,
    passingSince: null,
    readyAt: null,
    notReadySince: null,
    drainGeneration: null,
    drainSince: null,
    drainDeadline: null,
    drainSeconds: specOf(draft, replica.pool, revision)?.drainSeconds ?? replica.drainSeconds,
    afterDrain: { kind: "end" },
    reason: null,
  });
  draft.say({ kind: "replicaRestarting", replica: replica.id, revision, restarts });
}

/** What the program of a drained replica is to become; null: nothing that anybody still wants, so its VM ends. */
export function revisionAfterDrain(draft: Draft, { pool, afterDrain }: Replica): Revision | null {
  if (afterDrain.kind === "end" || draft.state.deleting) return null;
  return specOf(draft, pool, afterDrain.revision) === null ? null : afterDrain.revision;
}

/** The spec by which a replica of this revision runs; null when its pool has no use for it any more. */
export function specOf(draft: Draft, pool: string, revision: Revision): PoolSpec | null {
  const { primary, canary } = draft.state.pools[pool] ?? {};
  if (primary?.revision === revision) return primary;
  return canary?.revision === revision ? canary : null;
}

/**
 * True when the VM only tells how the program ended that is being replaced: the machine is there, and the restart goes
 * on. A machine that was taken, or that ended without a word, is gone whatever ran on it.
 */
export function tellsOfEarlierProgram(replica: Replica, vm: ObservedVm): boolean {
  return vm.restarts < replica.restarts && vm.exit !== null && !vm.exit.lost;
}
