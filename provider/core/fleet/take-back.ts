import type { Draft } from "../draft";
import type { Intent } from "../intent";
import type { Observed } from "../observed";
import type { Replica } from "../state";
import { inAll, isNoticed, sideOf, type Census } from "./census";
import { FEWER_WANTED } from "./moves";

/**
 * A drain that no routing in force knows of has not begun: the replica still gets requests. Should those that were to
 * serve in its place all be sick or gone by now, it is what keeps the pool served, so it is taken back; and so it is
 * where it went only as fewer were wanted, and more are now: another one would first have to start. Long after the
 * decision that may be so: the agent that drained it died, or the data plane did not answer.
 */
export function takeBackDrains(draft: Draft, intent: Intent, observed: Observed): void {
  const generation = observed.dataplane?.generation;
  if (generation === undefined) return;
  const census = draft.census();
  for (const replica of inAll(census, ({ draining }) => draining)) {
    const { id, pool } = replica;
    if (!servedUntilDrained(replica, generation) || sideOf(draft.state.pools[pool], replica) === "stale") continue;
    if (isToServeNobody(draft, intent, pool)) continue;
    const isLast = !isServed(census[pool]!);
    if (!isLast && !isWantedAgain(draft, replica)) continue;
    draft.patchReplica(id, {
      status: "ready",
      drainSince: null,
      drainDeadline: null,
      drainGeneration: null,
      afterDrain: { kind: "end" },
      reason: null,
    });
    const why = isLast ? `nobody else of pool "${pool}" is ready any more` : "more replicas are wanted again";
    draft.say({ kind: "drainTakenBack", replica: id, reason: why });
  }
}

/** One that failed its probes before is nobody to come back to; one whose VM is taken soon still beats none at all. */
function servedUntilDrained(replica: Replica, generation: number): boolean {
  const { status, drainGeneration, notReadySince } = replica;
  return status === "draining" && drainGeneration !== null && generation < drainGeneration && notReadySince === null;
}

function isServed({ primary, canary }: Census): boolean {
  return primary.ready.length + canary.ready.length > 0;
}

/** In a rollout its plan says who goes; a VM that is taken soon is none to count on. */
function isWantedAgain(draft: Draft, replica: Replica): boolean {
  const { pool: name, reason } = replica;
  const { primary } = draft.pool(name);
  if (reason !== FEWER_WANTED || isNoticed(replica) || replica.revision !== primary?.revision) return false;
  if (draft.state.rollout?.pools.some((moved) => moved.name === name)) return false;
  return draft.census()[name]!.primary.alive.length < primary.replicas;
}

/** It was asked for by name that the pool's last replica may go. */
function isToServeNobody({ state }: Draft, { service, pools }: Intent, name: string): boolean {
  const { primary, canary } = state.pools[name]!;
  if (service.deleting || (pools[name]?.deleting ?? true) || state.rollout?.floor?.[name] === 0) return true;
  return (primary?.replicas ?? 0) + (canary?.replicas ?? 0) === 0;
}
