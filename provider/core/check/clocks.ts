import type { ServeEvent } from "../events";
import type { WorldRollout } from "./rollout";
import { waited } from "./stand";
import { inOrder, violation, type InvariantCheck } from "./step";

/**
 * Nothing is given up for lack of time, or called starved, before that time is over. A log cannot say more: holds,
 * pauses and capacity waits stop the clocks, so that what lasts longer is no breach.
 */
export const clocks: InvariantCheck = (step) => {
  if (!step.events.some(({ kind }) => kind === "rollingBack" || kind === "capacityStarved")) return [];
  return inOrder(step, (event, { rollout }) => {
    const early = rollout === null || rollout.declared === null ? null : tooEarly(rollout, rollout.declared, event);
    return early === null ? [] : [violation("clocks", event, early)];
  });
};

function tooEarly(
  { id, startedAt, stand, lackingSince }: WorldRollout,
  { timeoutSeconds, stepTimeoutSeconds, capacityWaitSeconds }: NonNullable<WorldRollout["declared"]>,
  event: ServeEvent,
): string | null {
  const lasted = (since: number) => (event.at - since) / 1000;
  if (event.kind === "rollingBack" && event.cause === "timedOut") {
    const stepOver = stepTimeoutSeconds !== null && lasted(stand.since) > stepTimeoutSeconds;
    if (stepOver || lasted(startedAt) > timeoutSeconds) return null;
    return `Rollout ${id} timed out after ${lasted(startedAt)} s, which is within its timeout of ${timeoutSeconds} s.`;
  }
  if (event.kind === "capacityStarved") {
    if (lackingSince === null) return `Rollout ${id} was starved of capacity and had not waited for any.`;
    const lacked = waited(lackingSince, event.at);
    if (lacked === null || lacked > capacityWaitSeconds) return null;
    return `Rollout ${id} was starved after ${lacked} s; it waits ${capacityWaitSeconds} s for capacity.`;
  }
  return null;
}
