import type { RoutedPool, ServeEvent } from "../events";
import type { PlannedPool } from "../plan/states";
import type { Direction } from "../state";
import type { RollbackMode, Strategy } from "../strategy";
import { canaryShare, isGreater, type Share } from "./share";

/** The rollout in progress, as far as the log tells it. */
export interface WorldRollout {
  id: number;
  strategy: Strategy["kind"];
  pools: PlannedPool[];
  cap: Readonly<Record<string, number>>;
  /** Per pool: ready replicas of both versions that our moves leave; null: each version keeps its share instead. */
  floor: Readonly<Record<string, number>> | null;
  maxShiftPercent: number;
  revisions: Readonly<Record<string, { from: string | null; to: string | null }>>;
  direction: Direction["kind"];
  /** How it goes back; null: forward. */
  mode: RollbackMode["mode"] | null;
  /** Highest canary share so far by pool: what a repair may return to in one move. */
  reached: Readonly<Record<string, Share>>;
  /** Pools in which the canary took over all from a primary that was lost, and its share has not come back down yet. */
  fled: ReadonlySet<string>;
  /** The canary's share by a plan that was made in mid-rollout: what a lower hold may fall to; null: by the first one. */
  replanned: Share | null;
  /** The version that the plan makes more of: the canary's share may fall wherever that is the primary. */
  growing: "canary" | "primary";
  waits: Waits;
}

/** What keeps a rollout where it is. */
export interface Waits {
  paused: boolean;
  /** The declared hold that it has reached. */
  heldAt: number | null;
  /** The percent at which a gate failed. */
  gateFailedAt: number | null;
}

const NOTHING_WAITS: Waits = { paused: false, heldAt: null, gateFailedAt: null };

export function startedRollout(event: Extract<ServeEvent, { kind: "rolloutStarted" }>): WorldRollout {
  const { rollout: id, strategy, pools, cap, floor, maxShiftPercent, revisions } = event;
  return {
    id,
    strategy,
    pools,
    cap,
    floor,
    maxShiftPercent,
    revisions,
    direction: "forward",
    mode: null,
    reached: {},
    fled: new Set(),
    replanned: null,
    growing: "canary",
    waits: NOTHING_WAITS,
  };
}

type RolloutEvent = Extract<
  ServeEvent,
  {
    kind:
      | "rolloutReplanned"
      | "rolloutStep"
      | "rolloutHeld"
      | "gateJudged"
      | "commandObeyed"
      | "rollingBack"
      | "rollbackCancelled";
  }
>;

/** The rollout after one more event about it. */
export function advanceRollout(rollout: WorldRollout, event: RolloutEvent): WorldRollout {
  switch (event.kind) {
    case "rolloutReplanned": {
      const { pools, cap, floor, growing } = event;
      // The program's word for another plan ends the hold, and also outlives the gate that failed before it.
      const rest = waiting(rollout, { heldAt: null, gateFailedAt: null });
      return { ...rest, pools, cap, floor, growing, replanned: { part: 1, whole: 1 } };
    }
    case "rolloutStep": {
      if (rollout.replanned === null) return rollout;
      const { canary, primary } = event.state.weights;
      const replanned = { part: canary, whole: canary + primary };
      return { ...rollout, replanned, reached: noHigher(rollout.reached, replanned) };
    }
    case "rolloutHeld":
      return waiting(rollout, { heldAt: event.percent });
    case "gateJudged":
      return event.verdict.kind === "failed" ? waiting(rollout, { gateFailedAt: event.percent }) : rollout;
    case "commandObeyed":
      return obey(rollout, event);
    case "rollingBack":
      return { ...rollout, direction: "back", mode: event.mode, waits: NOTHING_WAITS };
    case "rollbackCancelled":
      return { ...rollout, direction: "forward", growing: "canary", mode: null, reached: {} };
  }
}

/** The rollout after another routing. What stands in for a loss is nothing that was reached. */
export function reaching(
  rollout: WorldRollout,
  before: Readonly<Record<string, RoutedPool>>,
  pools: Readonly<Record<string, RoutedPool>>,
): WorldRollout {
  const reached = { ...rollout.reached };
  const fled = new Set(rollout.fled);
  for (const [pool, routed] of Object.entries(pools)) {
    const share = canaryShare(routed);
    const most = reached[pool] ?? NONE;
    if (hasFled(routed)) fled.add(pool);
    else if (isGreater(share, canaryShare(before[pool])) || !isGreater(share, most)) fled.delete(pool);
    if (!fled.has(pool) && isGreater(share, most)) reached[pool] = share;
    else reached[pool] ??= most;
  }
  return { ...rollout, reached, fled };
}

/** The primary has nobody, so the canary serves all. */
export function hasFled(routed: RoutedPool | undefined): boolean {
  if (!routed?.canary || !routed.primary) return false;
  const { canary, primary } = routed;
  return primary.replicas.length === 0 && canary.replicas.length > 0 && primary.weight === 0;
}

const NONE: Share = { part: 0, whole: 1 };

/** What a plan goes down to is what its repairs may return to. */
function noHigher(reached: WorldRollout["reached"], limit: Share): WorldRollout["reached"] {
  const lowered = Object.entries(reached).map(([pool, share]) => [pool, isGreater(share, limit) ? limit : share]);
  return Object.fromEntries(lowered) as WorldRollout["reached"];
}

function obey(rollout: WorldRollout, event: Extract<ServeEvent, { kind: "commandObeyed" }>): WorldRollout {
  switch (event.verb) {
    case "pause":
      return waiting(rollout, { paused: true });
    case "resume":
    case "abort":
    case "rollback":
      return waiting(rollout, { paused: false });
    case "promote":
      // Any other detail tells why it did nothing.
      if (event.detail === "force") return { ...rollout, waits: NOTHING_WAITS };
      return event.detail === "waits" ? waiting(rollout, { paused: false, heldAt: null }) : rollout;
    case "retry":
      return rollout;
  }
}

function waiting(rollout: WorldRollout, change: Partial<Waits>): WorldRollout {
  return { ...rollout, waits: { ...rollout.waits, ...change } };
}
