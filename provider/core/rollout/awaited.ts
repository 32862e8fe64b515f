import type { Draft } from "../draft";
import type { Census } from "../fleet/census";
import { failsToStart } from "../fleet/failures";
import type { Direction } from "../state";

/**
 * A way back is over when the version before serves. Where that does not come up by itself, it ends nothing that serves
 * in its place and waits: told once, with since when, so that whoever follows is let go and a person can decide.
 */
export function followAwaited(draft: Draft, census: Record<string, Census>): void {
  const { id, direction } = draft.state.rollout!;
  if (direction.kind === "forward") return;
  const { awaits, ...others } = direction;
  const pool = awaitedPool(draft, census);
  if (awaits?.pool === pool) return;
  if (pool === undefined) {
    turnTo(draft, others);
    const seconds = Math.round(Math.max(0, draft.now - awaits!.since) / 1000);
    draft.say({ kind: "primaryFound", rollout: id, seconds });
    return;
  }
  turnTo(draft, { ...others, awaits: { pool, since: awaits?.since ?? draft.now } });
  draft.say({ kind: "primaryAwaited", rollout: id, pool, reason: draft.pool(pool).failures!.reason });
}

/** A pool in which the canary serves on as the primary does not come up. */
function awaitedPool(draft: Draft, census: Record<string, Census>): string | undefined {
  return draft.state.rollout!.pools.find(({ name, from }) => {
    const { primary, canary } = census[name]!;
    return canary.alive.length > 0 && primary.ready.length < from && failsToStart(draft.pool(name));
  })?.name;
}

function turnTo(draft: Draft, direction: Direction): void {
  draft.state.rollout = { ...draft.state.rollout!, direction };
}
