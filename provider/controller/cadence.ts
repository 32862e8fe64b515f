import { isNoticed } from "../core/fleet/census";
import type { Intent } from "../core/intent";
import type { Observed } from "../core/observed";
import type { State } from "../core/state";

/** While something moves, each look that comes late is added to the rollout's time. */
const MOVING_MS = 50;
/** Something is missing, but nothing has changed for a while: a slow boot, a lack of capacity, a port that is taken. */
const WAITING_MS = 250;
const WAITING_AFTER_MS = 5_000;
/** At rest: failing probes and new intents wake the loop by themselves. */
const SETTLED_MS = 2_000;
/** At rest, and the cloud tells of notices and losses besides, so that a look finds nothing new. */
const SETTLED_AND_TOLD_MS = 5_000;
/** At rest too, but the load decides how many replicas there are, and it is only seen by looking. */
const SETTLED_UNDER_LOAD_MS = 1_000;
/** A declared hold has been reached and nothing is under way: an operator or a new program goes on, and both wake the loop. */
const HELD_MS = 1_000;

/**
 * How long the loop may sleep when nothing wakes it.
 *
 * @param quietMs since the state last changed
 * @param isTold whether the cloud tells of every notice and loss by itself
 */
export function pauseAfter(intent: Intent, state: State, observed: Observed, quietMs: number, isTold: boolean): number {
  if (isSettled(intent, state, observed)) {
    if (followsLoad(state)) return SETTLED_UNDER_LOAD_MS;
    return isTold ? SETTLED_AND_TOLD_MS : SETTLED_MS;
  }
  if (isHeld(intent, state, observed)) return HELD_MS;
  const passing = Object.values(state.replicas).some(
    ({ status }) => status === "launching" || status === "draining" || status === "terminating",
  );
  return passing || quietMs < WAITING_AFTER_MS ? MOVING_MS : WAITING_MS;
}

function followsLoad({ pools }: State): boolean {
  return Object.values(pools).some(({ primary }) => (primary?.scaling ?? null) !== null);
}

/** True when the service is what was declared and nothing is under way. */
export function isSettled(intent: Intent, state: State, observed: Observed): boolean {
  if (state.rollout !== null || !isQuiet(intent, state, observed)) return false;
  const replicas = Object.values(state.replicas);
  return Object.entries(intent.pools).every(([name, { deleting }]) => {
    const ready = replicas.filter(({ pool }) => pool === name).length;
    const { primary = null, spot } = state.pools[name] ?? {};
    const wanted = primary?.spot && spot?.counts ? spot.counts.spot + spot.counts.onDemand : (primary?.replicas ?? -1);
    return !deleting && ready === wanted;
  });
}

function isHeld(intent: Intent, state: State, observed: Observed): boolean {
  return state.rollout !== null && state.rollout.held !== null && isQuiet(intent, state, observed);
}

/** The routing is in force, and no replica comes or goes. */
function isQuiet({ service }: Intent, { routing, replicas }: State, { dataplane }: Observed): boolean {
  if (service.deleting || dataplane === null || dataplane.generation !== routing.generation) return false;
  return Object.values(replicas).every((replica) => replica.status === "ready" && !isNoticed(replica));
}
