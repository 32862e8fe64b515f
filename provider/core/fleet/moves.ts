import type { Draft } from "../draft";
import { sameJson } from "../digest";
import { POOL_DELETED } from "../events";
import type { Goals, Markets, PoolGoal } from "../goals";
import type { Observed } from "../observed";
import type { PoolSpec, Revision } from "../spec/pool";
import type { Market } from "../spot/candidate";
import { NO_MEMORY } from "../spot/memory";
import type { PoolSpot, Replica } from "../state";
import { comingBack, type Census, type Count, type Side } from "./census";
import { beginDrain } from "./drain";
import { FAILURES_ENOUGH } from "./failures";
import { countOf, marketsOf } from "./markets";
import { candidatesOf, choosesPlaces, NO_POOL_SPOT, Places, whyNowhere, type Place } from "./places";
import { restartNow } from "./restart";
import { seesWhoIsReady } from "./sight";
import { slotsOf } from "./slots";

/** One step that the fleet would take; the guard decides whether it may. */
export type Move =
  | { kind: "launch"; pool: string; side: Version; spec: PoolSpec; market: Market; place: Place }
  /** Takes a replica with requests out of the routing, to be ended when they are over. */
  | { kind: "drain"; replica: Replica; side: Side; reason: string }
  /** Ends a replica that has no requests. */
  | { kind: "end"; replica: Replica; side: Side; reason: string }
  /** Gives the VM to the pool's other version, after draining what runs on it. */
  | { kind: "restart"; replica: Replica; side: Side; revision: Revision; reason: string };

type Version = "primary" | "canary";

/** Why a replica goes that nothing else speaks against: it may be wanted again before it is gone. */
export const FEWER_WANTED = "fewer replicas are wanted";
const ANY_PLACE: Place = { zone: null, why: "" };

/** The difference between goals and fleet, most urgent first: what frees places comes before what needs them. */
export function proposeMoves(draft: Draft, goals: Goals, observed: Observed): Move[] {
  const census = draft.census();
  const leave: Move[] = [];
  const enter: Move[] = [];
  for (const [name, goal] of Object.entries(goals.pools)) {
    const count = census[name]!;
    const surplus = surplusOf(goal, count, observed);
    const lacking = { primary: lackingOf(goal, count, "primary"), canary: lackingOf(goal, count, "canary") };
    const moves = goal.exchange === "restart" ? exchanged(draft, name, surplus, lacking) : surplus;
    const waits = !goal.leaving && moves.some(takesReady) && !seesWhoIsReady(draft);
    leave.push(...(waits ? moves.filter((move) => !takesReady(move)) : moves));
    // The primary first: it is what keeps the service's promise while the canary has yet to prove itself.
    enter.push(...launches(draft, { name, goal, count, lacking, observed }));
  }
  return [...leave, ...enter];
}

function takesReady(move: Move): boolean {
  return move.kind !== "launch" && move.replica.status === "ready";
}

/** How many of a version are missing, those left out that are on their way to it on the VM of another. */
function lackingOf(goal: PoolGoal, count: Census, side: Version): number {
  if (side === "primary" && goal.markets !== undefined) return lackingOfMarkets(goal.markets, count.primary);
  const other = side === "primary" ? count.canary : count.primary;
  return Math.max(0, goal[side].replicas - count[side].alive.length - comingBack(other));
}

function lackingOfMarkets(markets: Markets, { alive }: Count): number {
  const missing = (market: Market) => Math.max(0, markets[market] - countOf(alive, market));
  return missing("spot") + missing("onDemand");
}

interface Lack {
  name: string;
  goal: PoolGoal;
  count: Census;
  lacking: Record<Version, number>;
  observed: Observed;
}

function launches(draft: Draft, { name, goal, count, lacking, observed }: Lack): Move[] {
  const pool = draft.pool(name);
  let places: Places | null = null;
  let lacks: PoolSpot["lacks"] = null;
  const moves = (["primary", "canary"] as const).flatMap((side): Move[] => {
    const spec = pool[side];
    if (spec === null || lacking[side] <= 0 || waitsToLaunch(draft, name, spec.revision)) return [];
    const candidates = choosesPlaces(draft, spec, observed) ? candidatesOf(draft, spec, observed) : null;
    return marketsOf(goal, spec, count[side], lacking[side]).flatMap((market): Move[] => {
      if (candidates === null) return [{ kind: "launch", pool: name, side, spec, market, place: ANY_PLACE }];
      places ??= placesOf(draft, name, count);
      const place = places.next(market, candidates);
      // One market that gives nothing does not stop the other, nor does one place.
      if (place === null) lacks ??= { market, reason: whyNowhere(pool.spot?.memory ?? NO_MEMORY, market) };
      return place === null ? [] : [{ kind: "launch", pool: name, side, spec, market, place }];
    });
  });
  if (!sameJson(lacks, pool.spot?.lacks ?? null))
    draft.patchPool(name, { spot: { ...(pool.spot ?? NO_POOL_SPOT), lacks } });
  return moves;
}

/** Both versions' replicas take up room where they are. */
function placesOf(draft: Draft, name: string, { primary, canary }: Census): Places {
  const memory = draft.pool(name).spot?.memory ?? NO_MEMORY;
  const slots = slotsOf([...primary.alive, ...canary.alive], 0);
  const caution = draft.pool(name).primary?.spot?.cautionSeconds ?? 0;
  return new Places(memory, slots, draft.now, caution);
}

function waitsToLaunch(draft: Draft, name: string, revision: Revision): boolean {
  const { failures, hasServed } = draft.pool(name);
  if (failures === null || failures.revision !== revision) return false;
  // A first revision that never came up is given up until somebody declares it again; what has served never is.
  return draft.now < failures.retryAt || (!hasServed && failures.count >= FAILURES_ENOUGH);
}

/** Turns what is too much of one version into what is missing of the other, as far as both go. */
function exchanged(draft: Draft, name: string, surplus: Move[], lacking: Record<Version, number>): Move[] {
  const pool = draft.pool(name);
  return surplus.flatMap((move): Move[] => {
    // While it is launching there is no program yet that could be replaced.
    if (move.kind === "launch" || move.side === "stale" || move.replica.status === "launching") return [move];
    const to = move.side === "primary" ? "canary" : "primary";
    const spec = pool[to];
    if (spec === null || lacking[to] === 0) return [move];
    lacking[to] -= 1;
    if (waitsToLaunch(draft, name, spec.revision)) return [];
    const { replica, side, reason } = move;
    return [{ kind: "restart", replica, side, revision: spec.revision, reason }];
  });
}

function surplusOf(goal: PoolGoal, count: Census, observed: Observed): Move[] {
  const reason = (side: Side) => {
    if (goal.leaving) return POOL_DELETED;
    if (side === "stale") return "its revision is no longer wanted";
    return goal.moving ? `the rollout needs ${goal[side].replicas} of the ${side}` : FEWER_WANTED;
  };
  const leave = (replica: Replica, side: Side, why: string): Move => {
    // A replica that lost its readiness may still have requests running, so only one that never served just ends.
    const served = replica.readyAt !== null;
    return { kind: served ? "drain" : "end", replica, side, reason: why };
  };
  const sides: Side[] = ["stale", "canary", "primary"];
  return sides.flatMap((side) => {
    if (side === "primary" && goal.markets !== undefined) {
      const victims = surplusOfMarkets(goal.markets, goal.primary.replicas, count.primary, observed);
      return victims.map((replica) => leave(replica, side, surplusReason(replica)));
    }
    const wanted = side === "stale" ? 0 : goal[side].replicas;
    const tooMany = count[side].alive.length - wanted;
    if (tooMany <= 0) return [];
    const victims = inOrderOfLoss(count[side].alive, observed).slice(0, tooMany);
    const why = reason(side);
    return victims.map((replica) => leave(replica, side, why));
  });
}

/** By market; those that are ready go only as far as as many as are wanted stay ready. */
function surplusOfMarkets(markets: Markets, wanted: number, { alive, ready }: Count, observed: Observed): Replica[] {
  let spare = Math.max(0, ready.length - wanted);
  return (["onDemand", "spot"] as const).flatMap((market) => {
    const some = alive.filter((replica) => replica.market === market);
    const tooMany = Math.max(0, some.length - markets[market]);
    const victims = inOrderOfLoss(some, observed).slice(0, tooMany);
    return victims.filter(({ status }) => status !== "ready" || (spare -= 1) >= 0);
  });
}

function surplusReason({ market }: Replica): string {
  return market === "spot" ? "fewer spot replicas are wanted" : "spot replicas serve in its place";
}

/**
 * Who goes first: those that carry nothing, then what may be taken anyway (first what the cloud named), the one with the
 * fewest requests, the oldest, which is the order they come in.
 */
function inOrderOfLoss(replicas: readonly Replica[], { dataplane }: Observed): Replica[] {
  // Looked up once each: a sort of thousands asks many times.
  const ranked = replicas.map((replica) => ({
    replica,
    rank: rankOfLoss(replica),
    inFlight: dataplane?.replicas[replica.id]?.inFlight ?? 0,
  }));
  ranked.sort((a, b) => a.rank - b.rank || a.inFlight - b.inFlight);
  return ranked.map(({ replica }) => replica);
}

const STATUS_RANK = { launching: 0, restarting: 1, starting: 1, notReady: 2, ready: 3, draining: 4, terminating: 5 };

function rankOfLoss({ status, market, atRiskSince }: Replica): number {
  return 4 * STATUS_RANK[status] + (market === "spot" ? 0 : 2) + (atRiskSince === undefined ? 1 : 0);
}

/** Writes the moves down; the actions that they need follow from the statuses. */
export function applyMoves(draft: Draft, moves: readonly Move[]): void {
  for (const move of moves) {
    switch (move.kind) {
      case "launch":
        journalLaunch(draft, move);
        break;
      case "drain":
        beginDrain(draft, move.replica, move.reason, { kind: "end" });
        break;
      case "restart":
        if (move.replica.readyAt === null) restartNow(draft, move.replica, move.revision);
        else beginDrain(draft, move.replica, move.reason, { kind: "restart", revision: move.revision });
        break;
      case "end":
        draft.patchReplica(move.replica.id, { status: "terminating", reason: move.reason });
        draft.say({ kind: "replicaTerminating", replica: move.replica.id, reason: move.reason });
        break;
    }
  }
}

/** The id is in the state before the VM is asked for, so a crash in between leaves nothing that nobody knows. */
function journalLaunch(draft: Draft, { pool, spec, market, place }: Extract<Move, { kind: "launch" }>): void {
  const { revision } = spec;
  const { zone, shape, why } = place;
  const id = `${pool}-${draft.state.nextReplica}`;
  draft.state.nextReplica += 1;
  draft.keepReplica({
    id,
    pool,
    revision,
    status: "launching",
    launchedAt: draft.now,
    startedAt: draft.now,
    restarts: 0,
    configured: null,
    refusedConfig: null,
    passingSince: null,
    readyAt: null,
    notReadySince: null,
    missingSince: null,
    address: null,
    zone,
    ...(shape !== undefined && { shape }),
    market,
    noticedUntil: null,
    drainGeneration: null,
    drainSince: null,
    drainDeadline: null,
    drainSeconds: spec.drainSeconds,
    afterDrain: { kind: "end" },
    reason: null,
  });
  const where = { zone, ...(shape !== undefined && { shape }), ...(why !== "" && { why }) };
  draft.say({ kind: "replicaLaunching", replica: id, pool, revision, market, ...where });
}
