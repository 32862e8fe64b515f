import type { Draft } from "../draft";
import type { Observed, ProbeReading } from "../observed";

/**
 * Whether whoever decides has itself probed every replica that counts as ready. For a moment after a take-over it has
 * not: what the predecessor saw may be long over, so nothing is taken out of service, and no step is taken, on its word.
 */
export function seesWhoIsReady(draft: Draft, observed: Observed): boolean {
  return draft.replicas().every(({ id, status }) => status !== "ready" || observed.probes[id] !== undefined);
}

/** Whether each pool that counts on ready replicas has one whose last reading is as asked for. */
export function hasOneEach(draft: Draft, observed: Observed, asked: (reading: ProbeReading) => boolean): boolean {
  return Object.values(draft.census()).every(({ primary, canary }) => {
    const ready = [...primary.ready, ...canary.ready];
    return ready.length === 0 || ready.some(({ id }) => id in observed.probes && asked(observed.probes[id]!));
  });
}
