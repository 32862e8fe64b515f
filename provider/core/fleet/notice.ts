import type { Draft } from "../draft";
import { POOL_DELETED } from "../events";
import type { Intent } from "../intent";
import type { Observed } from "../observed";
import type { Replica } from "../state";
import { inAll, isNoticed, type Census } from "./census";
import { beginDrain, wholeDrain } from "./drain";
import { end } from "./lifecycle";
import { remember } from "./places";

/**
 * The cloud's word that it takes a VM. From then on the replica counts for nothing: its replacement is launched in this
 * very tick, it leaves the routing and is drained until its VM goes. A word once said is never taken back: should the
 * loss not come, the replica is ended all the same when it is drained, because what stands in its place is there.
 */
export function followNotices(draft: Draft, intent: Intent, observed: Observed): void {
  for (const { replicaId, at } of observed.notices ?? []) {
    const replica = draft.replica(replicaId);
    if (replica === undefined || isNoticed(replica)) continue;
    if (at === null) {
      if (replica.atRiskSince === undefined) doubt(draft, replica);
      continue;
    }
    draft.patchReplica(replicaId, { noticedUntil: at });
    remember(draft, replica, { kind: "lost", taken: true });
    draft.say({ kind: "replicaNoticed", replica: replicaId, until: at });
  }
  const census = draft.census();
  for (const replica of inAll(census, ({ noticed }) => noticed)) {
    const deleted = intent.service.deleting || (intent.pools[replica.pool]?.deleting ?? true);
    if (deleted) leave(draft, replica, POOL_DELETED, "goes");
    else leave(draft, replica, "the cloud takes its VM", isServed(census[replica.pool]!) ? "goes" : "staysIfLast");
  }
}

/**
 * A rebalance recommendation: most of them are never followed by a loss. So the replica serves on and counts as before; a
 * pool that may have a spare replaces it, one after the other, and whoever has to go for another reason, it goes first.
 */
function doubt(draft: Draft, { id }: Replica): void {
  draft.patchReplica(id, { atRiskSince: draft.now });
  draft.say({ kind: "replicaAtRisk", replica: id });
}

function leave(draft: Draft, replica: Replica, reason: string, last: "goes" | "staysIfLast"): void {
  const until = replica.noticedUntil!;
  switch (replica.status) {
    case "launching":
    case "starting":
    case "restarting":
      return end(draft, replica, reason);
    case "ready":
      // The last one of its pool goes on until somebody else is ready: a replica that is taken soon beats none at all.
      if (last === "staysIfLast") return;
      break;
    case "notReady":
      break;
    case "draining":
      return hasten(draft, replica, until);
    case "terminating":
      return;
  }
  beginDrain(draft, replica, reason, { kind: "end" });
  hasten(draft, draft.replica(replica.id)!, until);
}

/**
 * There is no VM for its requests beyond the notice, nor for another program. A notice that has passed while the VM lives
 * was not followed, or was told by a clock that has been put right since: it says nothing about requests any more, and the
 * replica gets back what it took.
 */
function hasten(draft: Draft, replica: Replica, until: number): void {
  const whole = wholeDrain(draft, replica);
  const deadline = replica.drainDeadline ?? whole;
  const drainDeadline = until <= draft.now ? Math.max(deadline, whole) : Math.min(deadline, until);
  if (drainDeadline === replica.drainDeadline && replica.afterDrain.kind === "end") return;
  draft.patchReplica(replica.id, { drainDeadline, afterDrain: { kind: "end" } });
}

/** Somebody is ready who stays. */
function isServed({ primary, canary }: Census): boolean {
  return primary.ready.length + canary.ready.length > 0;
}
