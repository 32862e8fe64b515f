import type { Draft } from "../draft";
import type { Intent } from "../intent";
import type { Observed } from "../observed";
import type { Replica } from "../state";
import { sideOf, type Census } from "./census";

/**
 * A drain that no routing in force knows of has not begun: the replica still gets requests. Should those that were to
 * serve in its place all be sick or gone by now, it is what keeps the pool served, so it is taken back. Long after the
 * decision that may be so: the agent that drained it died, or the data plane did not answer.
 */
export function takeBackDrains(draft: Draft, intent: Intent, observed: Observed): void {
  const generation = observed.dataplane?.generation;
  if (generation === undefined) return;
  const early = draft.replicas().filter((replica) => servedUntilDrained(replica, generation));
  if (early.length === 0) return;
  const census = draft.census();
  for (const { id, pool } of early.filter((each) => sideOf(draft.state.pools[each.pool], each) !== "stale")) {
    if (isServed(census[pool]!) || isToServeNobody(draft, intent, pool)) continue;
    draft.patchReplica(id, {
      status: "ready",
      drainSince: null,
      drainDeadline: null,
      drainGeneration: null,
      afterDrain: { kind: "end" },
      reason: null,
    });
    draft.say({ kind: "drainTakenBack", replica: id, reason: `nobody else of pool "${pool}" is ready any more` });
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

/** It was asked for by name that the pool's last replica may go. */
function isToServeNobody({ state }: Draft, { service, pools }: Intent, name: string): boolean {
  const { primary, canary } = state.pools[name]!;
  if (service.deleting || (pools[name]?.deleting ?? true) || state.rollout?.floor?.[name] === 0) return true;
  return (primary?.replicas ?? 0) + (canary?.replicas ?? 0) === 0;
}
