import type { Draft } from "../draft";
import type { Observed, ObservedVm } from "../observed";

/**
 * A VM with our tag that is not in state costs money for nobody: it is ended, and told once, as is its end. One that still
 * gets requests leaves the routing first.
 */
export function endOrphans(draft: Draft, vms: Map<string, ObservedVm>, observed: Observed): void {
  const known = new Set(draft.state.orphans);
  const seen = new Set<string>();
  for (const { replicaId, state } of vms.values()) {
    if (state !== "ended" && draft.replica(replicaId) === undefined) seen.add(replicaId);
  }
  if (seen.size === 0 && known.size === 0) return;
  const orphans = [...seen].sort();
  for (const replica of orphans) {
    if (!known.has(replica)) draft.say({ kind: "orphanSeen", replica });
    if (isStranger(draft, observed, replica)) continue;
    draft.act({ kind: "terminate", replicaId: replica, reason: "not in the service's state" });
  }
  for (const replica of known) if (!seen.has(replica)) draft.say({ kind: "orphanEnded", replica });
  draft.state.orphans = orphans;
}

/**
 * A replica that the state has given up, and that the data plane finds healthy in the routing in force, which is an older
 * one than the state's: whoever gave it up died before it said so to anybody, and it may have come back since.
 */
function isStranger(draft: Draft, { dataplane }: Observed, id: string): boolean {
  if (dataplane === null || dataplane.generation === draft.state.routing.generation) return false;
  return dataplane.replicas[id]?.healthy === true && draft.replica(id) === undefined;
}

/** A replica's id is its pool's name and a number. */
export function hasStranger(draft: Draft, observed: Observed, pool: string): boolean {
  const ids = Object.keys(observed.dataplane?.replicas ?? {});
  return ids.some((id) => id.slice(0, id.lastIndexOf("-")) === pool && isStranger(draft, observed, id));
}
