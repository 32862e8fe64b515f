import type { Draft } from "../draft";
import type { Observed } from "../observed";
import type { Replica } from "../state";

/** Longer than any cloud's listing takes to show what it was told. */
const MISSING_LIMIT_MS = 60_000;

/**
 * Whether a replica that the listing left out is really gone. Listings lag, by minutes at worst, and a replica that is
 * taken for lost is ended: so its own word counts first. One that answers its probes is there; one that served and does
 * not answer is gone; of one that cannot be asked the listing is believed after a while.
 */
export function isGone(draft: Draft, replica: Replica, observed: Observed): boolean {
  const reading = observed.probes[replica.id];
  if (reading !== undefined && reading.consecutiveSuccesses > 0) {
    if (replica.missingSince !== null) draft.patchReplica(replica.id, { missingSince: null });
    return false;
  }
  const served = replica.status === "ready" || replica.status === "notReady";
  if (served && reading !== undefined && reading.consecutiveFailures > 0) return true;
  if (replica.missingSince === null) draft.patchReplica(replica.id, { missingSince: draft.now });
  return replica.missingSince !== null && draft.now - replica.missingSince >= MISSING_LIMIT_MS;
}

/** The listing has it again. */
export function isBack(draft: Draft, replica: Replica): Replica {
  return replica.missingSince === null ? replica : draft.patchReplica(replica.id, { missingSince: null });
}
