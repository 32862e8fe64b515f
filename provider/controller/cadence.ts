import { isNoticed } from "../core/fleet/census";
import type { Intent } from "../core/intent";
import type { Observed } from "../core/observed";
import type { State } from "../core/state";

/** While something moves, each look that comes late is added to the rollout's time. */
const MOVING_MS = 50;
/** Something is missing, but nothing has changed for a while: a slow boot, a lack of capacity, a port that is taken. */
const WAITING_MS = 250;
const WAITING_AFTER_MS = 5_000;
/** At rest: losses and failing probes wake the loop by themselves or are routed around by the balancer until then. */
const SETTLED_MS = 1_000;
/** A look at the intent costs a fraction of a tick, and whoever wrote it is waiting. */
export const INTENT_EVERY_MS = 250;

/** How long the loop may sleep when nothing wakes it. `quietMs`: since the state last changed. */
export function pauseAfter(intent: Intent, state: State, observed: Observed, quietMs: number): number {
  if (isSettled(intent, state, observed)) return SETTLED_MS;
  const passing = Object.values(state.replicas).some(
    ({ status }) => status === "launching" || status === "draining" || status === "terminating",
  );
  return passing || quietMs < WAITING_AFTER_MS ? MOVING_MS : WAITING_MS;
}

/** True when the service is what was declared and nothing is under way. */
export function isSettled(intent: Intent, state: State, observed: Observed): boolean {
  if (state.rollout !== null || intent.service.deleting) return false;
  if (observed.dataplane === null || observed.dataplane.generation !== state.routing.generation) return false;
  const replicas = Object.values(state.replicas);
  if (replicas.some((replica) => replica.status !== "ready" || isNoticed(replica))) return false;
  return Object.entries(intent.pools).every(([name, { deleting }]) => {
    const ready = replicas.filter(({ pool }) => pool === name).length;
    const { primary = null, spot } = state.pools[name] ?? {};
    const wanted = primary?.spot && spot?.counts ? spot.counts.spot + spot.counts.onDemand : (primary?.replicas ?? -1);
    return !deleting && ready === wanted;
  });
}
