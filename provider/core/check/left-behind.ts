import type { ServeEvent } from "../events";
import type { WorldRollout } from "./rollout";
import { inOrder, violation, type InvariantCheck } from "./step";
import type { World, WorldReplica } from "./world";

/**
 * A rollout is over when the version that lost has no VM any more, and a promoted one when no version but its own has
 * any. One under notice is the cloud's, and what is being deleted ends in its own time.
 */
export const leftBehind: InvariantCheck = (step) => {
  const { deleting, removed } = step.after;
  if (deleting || !step.events.some(({ kind }) => kind === "rolloutEnded")) return [];
  return inOrder(step, (event, world) => {
    if (event.kind !== "rolloutEnded" || world.rollout?.id !== event.rollout) return [];
    const left = leftOf(world, world.rollout, event).find(({ pool }) => !removed.has(pool));
    if (left === undefined) return [];
    const sentence = `Rollout ${event.rollout} was ${WORDS[event.outcome]} while ${left.id} of revision ${left.revision} was still there.`;
    return [violation("noOrphan", event, sentence)];
  });
};

type Ended = Extract<ServeEvent, { kind: "rolloutEnded" }>;

const WORDS: Record<Ended["outcome"], string> = {
  promoted: "promoted",
  rolledBack: "rolled back",
  superseded: "superseded",
};

function leftOf({ replicas }: World, { pools, revisions }: WorldRollout, { outcome }: Ended): WorldReplica[] {
  const moved = new Set(pools.map(({ name }) => name));
  return [...replicas.values()].filter(({ pool, revision, noticed }) => {
    const versions = revisions[pool];
    if (!moved.has(pool) || versions === undefined || noticed) return false;
    return outcome === "promoted" ? revision !== versions.to : revision === versions.to;
  });
}
