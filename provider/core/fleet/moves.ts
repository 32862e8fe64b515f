import type { Draft } from "../draft";
import { POOL_DELETED } from "../events";
import type { Goals, PoolGoal } from "../goals";
import type { Observed } from "../observed";
import type { PoolSpec, Revision } from "../spec/pool";
import type { Replica } from "../state";
import { comingBack, type Census, type Count, type Side } from "./census";
import { beginDrain } from "./drain";
import { FAILURES_ENOUGH } from "./failures";
import { restartNow } from "./restart";

/** One step that the fleet would take; the guard decides whether it may. */
export type Move =
  | { kind: "launch"; pool: string; side: Version; spec: PoolSpec }
  /** Takes a replica with requests out of the routing, to be ended when they are over. */
  | { kind: "drain"; replica: Replica; side: Side; reason: string }
  /** Ends a replica that has no requests. */
  | { kind: "end"; replica: Replica; side: Side; reason: string }
  /** Gives the VM to the pool's other version, after draining what runs on it. */
  | { kind: "restart"; replica: Replica; side: Side; revision: Revision; reason: string };

type Version = "primary" | "canary";

/** The difference between goals and fleet, most urgent first: what frees places comes before what needs them. */
export function proposeMoves(draft: Draft, goals: Goals, observed: Observed): Move[] {
  const census = draft.census();
  const leave: Move[] = [];
  const enter: Move[] = [];
  for (const [name, goal] of Object.entries(goals.pools)) {
    const count = census[name]!;
    const surplus = surplusOf(goal, count, observed);
    const lacking = { primary: lackingOf(goal, count, "primary"), canary: lackingOf(goal, count, "canary") };
    leave.push(...(goal.exchange === "restart" ? exchanged(draft, name, surplus, lacking) : surplus));
    // The primary first: it is what keeps the service's promise while the canary has yet to prove itself.
    enter.push(
      ...launches(draft, name, "primary", lacking.primary),
      ...launches(draft, name, "canary", lacking.canary),
    );
  }
  return [...leave, ...enter];
}

/** How many of a version are missing, those left out that are on their way to it on the VM of another. */
function lackingOf(goal: PoolGoal, count: Census, side: Version): number {
  const other = side === "primary" ? count.canary : count.primary;
  return Math.max(0, goal[side].replicas - count[side].alive.length - comingBack(other));
}

function launches(draft: Draft, name: string, side: Version, lacking: number): Move[] {
  const pool = draft.pool(name);
  const spec = pool[side];
  if (spec === null || lacking <= 0 || waitsToLaunch(draft, name, spec.revision)) return [];
  return Array.from({ length: lacking }, () => ({ kind: "launch", pool: name, side, spec }));
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
    return goal.moving ? `the rollout needs ${goal[side].replicas} of the ${side}` : "fewer replicas are wanted";
  };
  const sides: Side[] = ["stale", "canary", "primary"];
  return sides.flatMap((side) => {
    const wanted = side === "stale" ? 0 : goal[side].replicas;
    const tooMany = count[side].alive.length - wanted;
    if (tooMany <= 0) return [];
    const victims = inOrderOfLoss(count[side], observed).slice(0, tooMany);
    return victims.map((replica): Move => {
      // A replica that lost its readiness may still have requests running, so only one that never served just ends.
      const served = replica.readyAt !== null;
      return { kind: served ? "drain" : "end", replica, side, reason: reason(side) };
    });
  });
}

/** Who goes first: those that carry nothing, then the one with the fewest requests, then the oldest. */
function inOrderOfLoss({ alive }: Count, observed: Observed): Replica[] {
  const rank = { launching: 0, restarting: 1, starting: 1, notReady: 2, ready: 3, draining: 4, terminating: 5 };
  const inFlight = (id: string) => observed.dataplane?.replicas[id]?.inFlight ?? 0;
  return [...alive].sort(
    (a, b) =>
      rank[a.status] - rank[b.status] ||
      inFlight(a.id) - inFlight(b.id) ||
      a.launchedAt - b.launchedAt ||
      (a.id < b.id ? -1 : 1),
  );
}

/** Writes the moves down; the actions that they need follow from the statuses. */
export function applyMoves(draft: Draft, moves: readonly Move[]): void {
  for (const move of moves) {
    switch (move.kind) {
      case "launch":
        journalLaunch(draft, move.pool, move.spec);
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
function journalLaunch(draft: Draft, pool: string, { revision }: PoolSpec): void {
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
    zone: null,
    market: "onDemand",
    noticedUntil: null,
    drainGeneration: null,
    drainSince: null,
    drainDeadline: null,
    afterDrain: { kind: "end" },
    reason: null,
  });
  draft.say({ kind: "replicaLaunching", replica: id, pool, revision });
}
