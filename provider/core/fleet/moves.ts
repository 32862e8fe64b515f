import type { Draft } from "../draft";
import { POOL_DELETED } from "../events";
import type { Goals, PoolGoal } from "../goals";
import type { Observed } from "../observed";
import type { PoolSpec } from "../spec/pool";
import type { Replica } from "../state";
import { takeCensus, type Census, type Count, type Side } from "./census";
import { FAILURES_ENOUGH } from "./failures";

/** One step that the fleet would take; the guard decides whether it may. */
export type Move =
  | { kind: "launch"; pool: string; side: "primary" | "canary"; spec: PoolSpec }
  /** Takes a replica with requests out of the routing, to be ended when they are over. */
  | { kind: "drain"; replica: Replica; side: Side; reason: string }
  /** Ends a replica that has no requests. */
  | { kind: "end"; replica: Replica; side: Side; reason: string };

/** The difference between goals and fleet, most urgent first: what frees places comes before what needs them. */
export function proposeMoves(draft: Draft, goals: Goals, observed: Observed): Move[] {
  const census = takeCensus(draft.state);
  const leave: Move[] = [];
  const enter: Move[] = [];
  for (const [name, goal] of Object.entries(goals.pools)) {
    const count = census[name]!;
    leave.push(...surplus(goal, count, observed));
    // The primary first: it is what keeps the service's promise while the canary has yet to prove itself.
    enter.push(...missing(draft, name, "primary", goal, count), ...missing(draft, name, "canary", goal, count));
  }
  return [...leave, ...enter];
}

function missing(draft: Draft, name: string, side: "primary" | "canary", goal: PoolGoal, count: Census): Move[] {
  const pool = draft.pool(name);
  const spec = pool[side];
  const lacking = goal[side].replicas - count[side].alive.length;
  if (spec === null || lacking <= 0) return [];
  const { failures } = pool;
  if (failures !== null && failures.revision === spec.revision) {
    if (draft.now < failures.retryAt) return [];
    // A first revision that never came up is given up until somebody declares it again; what has served never is.
    if (!pool.hasServed && failures.count >= FAILURES_ENOUGH) return [];
  }
  return Array.from({ length: lacking }, () => ({ kind: "launch", pool: name, side, spec }));
}

function surplus(goal: PoolGoal, count: Census, observed: Observed): Move[] {
  const reason = (side: Side) => {
    if (goal.leaving) return POOL_DELETED;
    if (side === "stale") return "its revision is no longer wanted";
    return goal.moving ? `the rollout needs ${goal[side].replicas} of the ${side}` : "fewer replicas are declared";
  };
  const sides: Side[] = ["stale", "canary", "primary"];
  return sides.flatMap((side) => {
    const wanted = side === "stale" ? 0 : goal[side].replicas;
    const victims = inOrderOfLoss(count[side], observed).slice(0, Math.max(0, count[side].alive.length - wanted));
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
        draft.patchReplica(move.replica.id, {
          status: "draining",
          reason: move.reason,
          drainSince: draft.now,
          drainDeadline: draft.now + drainSeconds(draft, move.replica) * 1000,
          drainGeneration: null,
        });
        draft.say({ kind: "replicaDraining", replica: move.replica.id, reason: move.reason });
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
  draft.state.replicas[id] = {
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
    address: null,
    zone: null,
    market: "onDemand",
    drainGeneration: null,
    drainSince: null,
    drainDeadline: null,
    afterDrain: { kind: "end" },
    reason: null,
  };
  draft.say({ kind: "replicaLaunching", replica: id, pool, revision });
}

const DRAIN_SECONDS_WITHOUT_SPEC = 60;

function drainSeconds(draft: Draft, replica: Replica): number {
  const pool = draft.pool(replica.pool);
  const spec = [pool.primary, pool.canary].find((each) => each?.revision === replica.revision);
  return spec?.drainSeconds ?? pool.primary?.drainSeconds ?? DRAIN_SECONDS_WITHOUT_SPEC;
}
