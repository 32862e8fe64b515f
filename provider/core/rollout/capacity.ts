import type { Draft } from "../draft";
import { capacityLack } from "../fleet/failures";
import { runOrStop } from "./clock";
import { leaveOutSilence } from "./silence";

/**
 * Stops the rollout's clocks while nobody can help it on: in a hold, in a pause, and while the cloud has nothing to give
 * (A19). The last has a clock of its own; when that is over the rollout is starved, which moves nothing.
 */
export function followClocks(draft: Draft): void {
  leaveOutSilence(draft);
  followCapacity(draft);
  const rollout = draft.state.rollout!;
  const runs = rollout.held === null && rollout.paused === null && rollout.capacity === null;
  const stopped = runOrStop(rollout, draft.now, runs);
  if (stopped !== rollout.stopped) draft.state.rollout = { ...rollout, stopped, seenAt: draft.now };
}

function followCapacity(draft: Draft): void {
  const rollout = draft.state.rollout!;
  const lacking = rollout.pools.find(({ name }) => capacityLack(draft.pool(name)) !== null);
  const { capacity } = rollout;
  if (lacking === undefined) {
    if (capacity === null) return;
    draft.state.rollout = { ...rollout, capacity: null };
    const seconds = Math.round(Math.max(0, draft.now - capacity.since) / 1000);
    draft.say({ kind: "capacityFound", rollout: rollout.id, seconds });
    return;
  }
  if (capacity === null) {
    draft.state.rollout = { ...rollout, capacity: { since: draft.now, starved: false } };
    const reason = capacityLack(draft.pool(lacking.name))!;
    draft.say({ kind: "capacityWait", rollout: rollout.id, pool: lacking.name, reason });
    return;
  }
  const starved = draft.now - capacity.since > rollout.strategy.capacityWaitSeconds * 1000;
  if (!starved || capacity.starved) return;
  draft.state.rollout = { ...rollout, capacity: { ...capacity, starved } };
  const reason = capacityLack(draft.pool(lacking.name))!;
  draft.say({ kind: "capacityStarved", rollout: rollout.id, pool: lacking.name, reason });
}
