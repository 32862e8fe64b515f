import type { Draft } from "../draft";
import type { Observed, ProbeReading } from "../observed";
import type { Replica } from "../state";
import type { Census } from "./census";

/**
 * Whether whoever decides has itself probed every replica that counts as ready. For a moment after a take-over it has
 * not: what the predecessor saw may be long over, so nothing is taken out of service, and no step is taken, on its word.
 */
export function seesWhoIsReady(draft: Draft): boolean {
  return draft.unprobed.every((id) => draft.replica(id)?.status !== "ready");
}

/** Whether each pool that counts on ready replicas has one whose last reading is as asked for. */
export function hasOneEach(
  census: Readonly<Record<string, Census>>,
  { probes }: Observed,
  asked: (reading: ProbeReading) => boolean,
): boolean {
  const is = ({ id }: Replica) => id in probes && asked(probes[id]!);
  return Object.values(census).every(
    ({ primary, canary }) =>
      primary.ready.length + canary.ready.length === 0 || primary.ready.some(is) || canary.ready.some(is),
  );
}
