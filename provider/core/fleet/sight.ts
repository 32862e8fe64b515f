import type { Draft } from "../draft";
import type { Observed } from "../observed";

/**
 * Whether whoever decides has itself probed every replica that counts as ready. For a moment after a take-over it has
 * not: what the predecessor saw may be long over, so nothing is taken out of service, and no step is taken, on its word.
 */
export function seesWhoIsReady(draft: Draft, observed: Observed): boolean {
  return draft.replicas().every(({ id, status }) => status !== "ready" || observed.probes[id] !== undefined);
}
