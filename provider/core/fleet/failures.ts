import type { Draft } from "../draft";
import type { PoolFailures, PoolState, Replica } from "../state";

/** Failures in a row after which a revision counts as broken. */
export const FAILURES_ENOUGH = 3;

/** Failures that say something of the revision, and enough of them. */
export function isBroken(failures: PoolFailures | null): failures is PoolFailures {
  return failures !== null && !failures.capacity && failures.count >= FAILURES_ENOUGH;
}

/** Whether what serves, or is to serve again, does not come up by itself. */
export function failsToStart({ primary, failures }: PoolState): boolean {
  return isBroken(failures) && failures.revision === primary?.revision;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;
const CAPACITY_WAIT_MS = 2_000;
/** A replica that was ready for this long, with no failure meanwhile, has proven its revision: older ones no longer count. */
const PROVEN_MS = 60_000;

/** Counts a failed start or a crash against its revision and delays the next launch, longer each time. */
export function noteFailure(draft: Draft, replica: Replica, reason: string, weight: "once" | "enough"): void {
  const before = draft.state.pools[replica.pool]?.failures;
  const earlier = before?.revision === replica.revision && !before.capacity ? before.count : 0;
  const count = weight === "enough" ? Math.max(earlier + 1, FAILURES_ENOUGH) : earlier + 1;
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - 1));
  const starts = earlier === 0 ? 1 : startsOf(before!) + 1;
  const told = `${replica.id}: ${reason}`;
  keep(draft, replica, { count, starts, reason: told, retryAt: draft.now + wait, capacity: false });
}

/** How many starts have failed, for a person: one that was enough is still one. */
export function startsOf({ starts, count }: PoolFailures): number {
  return starts ?? count;
}

/** The cloud has nothing to give just now: wait, and blame nobody. */
export function noteCapacityWait(draft: Draft, replica: Replica, reason: string): void {
  const before = draft.state.pools[replica.pool]?.failures;
  const retryAt = draft.now + CAPACITY_WAIT_MS;
  if (before?.revision === replica.revision && !before.capacity && before.count > 0) {
    // What is known of the revision stays known; only the pace is the cloud's.
    keep(draft, replica, { ...before, retryAt: Math.max(before.retryAt, retryAt) });
  } else {
    keep(draft, replica, { count: 0, reason, retryAt, capacity: true });
  }
}

/** A ready replica; one that was ready before says nothing of what is refused or fails to start now. */
export function noteSuccess(draft: Draft, replica: Replica): void {
  const failures = draft.state.pools[replica.pool]?.failures;
  if (failures?.revision !== replica.revision || replica.readyAt === null) return;
  // Launches would else never be paced, and what is lacking would be told and forgotten again at every look.
  const proven = draft.now - Math.max(replica.readyAt, failures.retryAt) >= PROVEN_MS;
  const given = failures.capacity && replica.launchedAt >= failures.retryAt;
  if (proven || given) draft.patchPool(replica.pool, { failures: null });
}

/** What the cloud does not give just now, in its own words; null: it gives all that is asked for. */
export function capacityLack({ failures, spot }: PoolState): string | null {
  if (failures?.capacity) return failures.reason;
  if (!spot?.lacks) return null;
  const { market, reason } = spot.lacks;
  return `${market === "spot" ? "spot" : "on-demand"} gives nothing just now: ${reason}`;
}

function keep(draft: Draft, { pool, revision }: Replica, failures: Omit<PoolFailures, "revision">): void {
  if (draft.state.pools[pool] !== undefined) draft.patchPool(pool, { failures: { revision, ...failures } });
}
