import type { Draft } from "../draft";
import type { Census } from "../fleet/census";
import { capacityLack } from "../fleet/failures";
import { mayStopFirst } from "../plan/rolling";
import type { PlannedPool } from "../plan/states";
import { planWayBack, replan } from "./replan";

/** Room that is there after this long was only late. */
const ROOM_COMES_MS = 30_000;

/**
 * `startFirst` is for where there is room. Where the cloud has none for the replicas that a wave would start first, it
 * goes on as a rolling rollout does without it: the next wave stops before it starts. Otherwise a full cluster could
 * never be rolled over. A pool's only replica waits all the same.
 */
export function stopFirstWithoutRoom(draft: Draft, census: Record<string, Census>): void {
  const rollout = draft.state.rollout!;
  const { strategy, capacity, paused, plan, cursor, direction } = rollout;
  if (strategy.kind !== "rolling" || strategy.order !== "startFirst" || capacity === null || paused !== null) return;
  const patience = Math.min(ROOM_COMES_MS, (strategy.capacityWaitSeconds * 1000) / 2);
  if (draft.now - capacity.since < patience) return;
  const lacking = rollout.pools.find((pool) => {
    const { canary, primary } = plan[cursor]!.pools[pool.name]!;
    const startsMore = canary + primary > Math.max(pool.from, pool.to);
    return startsMore && mayStopFirst(strategy, pool) && capacityLack(draft.pool(pool.name)) !== null;
  });
  if (lacking === undefined || rollout.pools.some((pool) => isLaunching(census, pool))) return;
  const lack = capacityLack(draft.pool(lacking.name))!;
  const reason = `the cloud has no room to start replicas of pool "${lacking.name}" first: ${lack}`;
  draft.state.rollout = { ...rollout, strategy: { ...strategy, order: "stopFirst" } };
  if (direction.kind === "forward") replan(draft, reason);
  else planWayBack(draft, null, reason);
}

/** It may come yet, and without the room to start first there would be one VM too many. */
function isLaunching(census: Record<string, Census>, { name }: PlannedPool): boolean {
  const { canary, primary } = census[name]!;
  return [...canary.alive, ...primary.alive].some(({ status }) => status === "launching");
}
