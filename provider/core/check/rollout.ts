import type { RolloutWaits, RoutedPool, ServeEvent, SpotBounds } from "../events";
import type { PlannedPool } from "../plan/states";
import type { Direction } from "../state";
import type { RollbackMode, Strategy } from "../strategy";
import { canaryShare, isGreater, type Share } from "./share";
import { newStand, nextStand, type Stand, type StandEvent } from "./stand";

/** The rollout in progress, as far as the log tells it. */
export interface WorldRollout {
  id: number;
  strategy: Strategy["kind"];
  pools: PlannedPool[];
  cap: Readonly<Record<string, number>>;
  /** Per pool: what bounds its VMs once the canary is the primary; null: it uses no spot then. An older log does not tell. */
  markets: Readonly<Record<string, SpotBounds | null>>;
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
  /** Pools in which the primary took all back from a canary that was lost, which has not been given anything since. */
  fellBack: ReadonlySet<string>;
  /** The canary's share by a plan that was made in mid-rollout: what a lower hold may fall to; null: by the first one. */
  replanned: Share | null;
  /** The version that the plan makes more of: the canary's share may fall wherever that is the primary. */
  growing: "canary" | "primary";
  waits: Waits;
  startedAt: number;
  /** What it is to wait for; null: an older version's log does not tell, so that none of it is judged. */
  declared: RolloutWaits | null;
  stand: Stand;
  /** When it began to wait for capacity; null: it does not. */
  lackingSince: number | null;
  /** Per pool: the number of canaries that was declared since it began, where one was. */
  renumbered: Readonly<Record<string, number>>;
  /** A gradual way back: its surge, and by pool the lowest canary share so far, which a repair may return to in one move. */
  descent: { maxSurgePercent: number; reached: Readonly<Record<string, Share>> } | null;
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
  const { rollout: id, strategy, pools, cap, markets = {}, floor, maxShiftPercent, revisions } = event;
  return {
    id,
    strategy,
    pools,
    cap,
    markets,
    floor,
    maxShiftPercent,
    revisions,
    direction: "forward",
    mode: null,
    reached: {},
    fled: new Set(),
    fellBack: new Set(),
    replanned: null,
    growing: "canary",
    waits: NOTHING_WAITS,
    startedAt: event.at,
    declared: event.waits ?? null,
    stand: newStand(event.at, false),
    lackingSince: null,
    renumbered: {},
    descent: null,
  };
}

type OtherEvent = Extract<
  ServeEvent,
  {
    kind:
      "rolloutHeld" | "rollbackCancelled" | "capacityWait" | "capacityFound" | "capacityStarved" | "rolloutUnwatched";
  }
>;

/** The rollout after one more event about it. */
export function advanceRollout(rollout: WorldRollout, event: StandEvent | OtherEvent): WorldRollout {
  switch (event.kind) {
    case "rolloutHeld":
      return waiting(rollout, { heldAt: event.percent });
    case "rollbackCancelled":
      return { ...rollout, direction: "forward", growing: "canary", mode: null, reached: {}, descent: null };
    case "capacityWait":
      return { ...rollout, lackingSince: event.at };
    case "capacityFound":
      return { ...rollout, lackingSince: null };
    case "capacityStarved":
      return rollout;
    case "rolloutUnwatched":
      return unwatched(rollout, event);
    default:
      return moved({ ...rollout, stand: nextStand(rollout.stand, event) }, event);
  }
}

/** What waits goes on as if the time that nobody watched had not been. */
function unwatched(
  rollout: WorldRollout,
  { from, at }: Extract<ServeEvent, { kind: "rolloutUnwatched" }>,
): WorldRollout {
  const later = (since: number | null) => (since === null ? null : since + at - Math.max(from, since));
  const { stand, lackingSince } = rollout;
  return {
    ...rollout,
    stand: { ...stand, settledAt: later(stand.settledAt) },
    lackingSince: later(lackingSince),
  };
}

function moved(rollout: WorldRollout, event: StandEvent): WorldRollout {
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
    case "rolloutSettled":
      return { ...rollout, reached: settledAt(rollout, event.percent) };
    case "rolloutRetuned": {
      const declared = event.waits;
      return { ...(event.gatesChanged ? waiting(rollout, { gateFailedAt: null }) : rollout), declared };
    }
    case "gateJudged":
      return event.verdict.kind === "failed" ? waiting(rollout, { gateFailedAt: event.percent }) : rollout;
    case "commandObeyed":
      return obey(rollout, event);
    case "rollingBack": {
      const { mode, maxSurgePercent } = event;
      const descent = maxSurgePercent === undefined ? null : { maxSurgePercent, reached: {} };
      return { ...rollout, direction: "back", mode, descent, waits: NOTHING_WAITS };
    }
  }
}

/** The rollout after its canary was declared with another number, or the same. */
export function renumbered(
  rollout: WorldRollout,
  { pool, replicas }: Pick<Extract<ServeEvent, { kind: "poolDeclared" }>, "pool" | "replicas">,
): WorldRollout {
  return { ...rollout, renumbered: { ...rollout.renumbered, [pool]: replicas } };
}

/** The rollout after another routing. What stands in for a loss is nothing that was reached. */
export function reaching(
  rollout: WorldRollout,
  before: Readonly<Record<string, RoutedPool>>,
  pools: Readonly<Record<string, RoutedPool>>,
): WorldRollout {
  const reached = { ...rollout.reached };
  const fled = new Set(rollout.fled);
  const fellBack = new Set(rollout.fellBack);
  for (const [pool, routed] of Object.entries(pools)) {
    const share = canaryShare(routed);
    const most = reached[pool] ?? NONE;
    if (hasFled(routed)) fled.add(pool);
    else if (isGreater(share, canaryShare(before[pool])) || !isGreater(share, most)) fled.delete(pool);
    if (share.part > 0) fellBack.delete(pool);
    else if (routed.canary?.replicas.length === 0 && most.part > 0) fellBack.add(pool);
    if (!fled.has(pool) && isGreater(share, most)) reached[pool] = share;
    else reached[pool] ??= most;
  }
  return {
    ...rollout,
    reached,
    fled,
    fellBack,
    descent: rollout.descent && descending(rollout.descent, before, pools),
  };
}

/** A way back after another routing: how low it has come. */
function descending(
  { maxSurgePercent, reached }: NonNullable<WorldRollout["descent"]>,
  before: Readonly<Record<string, RoutedPool>>,
  pools: Readonly<Record<string, RoutedPool>>,
): WorldRollout["descent"] {
  const lowest = Object.entries(pools).map(([pool, routed]) => {
    const least = reached[pool] ?? canaryShare(before[pool]);
    const share = canaryShare(routed);
    return [pool, isGreater(least, share) ? share : least] as const;
  });
  return { maxSurgePercent, reached: { ...reached, ...Object.fromEntries(lowest) } };
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

/** What a rollout has settled at is reached in every pool, also where the canary stood in for lost primaries meanwhile. */
function settledAt({ reached, pools }: WorldRollout, percent: number): WorldRollout["reached"] {
  const settled: Share = { part: percent, whole: 100 };
  const lower = pools.filter(({ name }) => isGreater(settled, reached[name] ?? NONE));
  return { ...reached, ...Object.fromEntries(lower.map(({ name }) => [name, settled])) };
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
