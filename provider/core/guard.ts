import type { Draft } from "./draft";
import type { Invariant } from "./events";
import type { Census, Side } from "./fleet/census";
import type { Move } from "./fleet/moves";
import { ALL_PRIMARY, type Goals, type PoolGoal } from "./goals";
import { ALIKE, capacityOf } from "./plan/units";

/**
 * The last word before anything happens (DESIGN section 5): whatever the policies propose, no move that would break an
 * invariant passes. A refusal is told once as an event; the move is proposed again in the next tick, so a refusal is a
 * wait, not a loss.
 */
export function guard(draft: Draft, goals: Goals, moves: readonly Move[]): Move[] {
  const tallies = Object.fromEntries(Object.entries(draft.census()).map(([name, census]) => [name, tallyOf(census)]));
  const refused: Record<string, Invariant> = {};
  const allowed = moves.filter((move) => {
    const pool = move.kind === "launch" ? move.pool : move.replica.pool;
    const refusal = refuse(move, goals.pools[pool]!, tallies[pool]!);
    if (refusal === null) {
      count(move, tallies[pool]!);
      return true;
    }
    const subject = move.kind === "launch" ? `launch in ${pool}` : move.replica.id;
    refused[subject] = refusal.invariant;
    if (draft.state.refused[subject] !== refusal.invariant) {
      draft.say({
        kind: "guardRefused",
        invariant: refusal.invariant,
        replica: move.kind === "launch" ? null : move.replica.id,
        reason: refusal.reason,
      });
    }
    return false;
  });
  const kept = draft.state.refused;
  const same = Object.keys(kept).length === Object.keys(refused).length;
  if (!same || Object.entries(refused).some(([subject, invariant]) => kept[subject] !== invariant)) {
    draft.state.refused = refused;
  }
  return allowed;
}

/** VMs of a pool, and ready replicas of each version: numbers, as a tick may judge thousands of moves. */
interface Tally {
  /** That the cap counts. */
  total: number;
  ready: Record<Side, number>;
}

function tallyOf({ counted, primary, canary, stale }: Census): Tally {
  return {
    total: counted,
    ready: { primary: primary.ready.length, canary: canary.ready.length, stale: stale.ready.length },
  };
}

interface Refusal {
  invariant: Invariant;
  reason: string;
}

function refuse(move: Move, goal: PoolGoal, tally: Tally): Refusal | null {
  switch (move.kind) {
    case "launch":
      if (tally.total < goal.cap) return null;
      return { invariant: "cap", reason: `pool "${move.pool}" has ${tally.total} VMs and may have ${goal.cap}` };
    case "drain":
    case "end":
    case "restart":
      // A stale one is not routed, so nothing is lost with it, whatever it still could do.
      if (goal.leaving || move.side === "stale" || move.replica.status !== "ready") return null;
      return lastHealthy(move.replica.pool, goal, tally) ?? capacity(move.side, goal, tally);
  }
}

/** No action ends the last healthy ready capacity while nothing better is ready, but where that was asked for by name. */
function lastHealthy(pool: string, { keeps }: PoolGoal, tally: Tally): Refusal | null {
  if (readyOf(tally) > 1 || (keeps.kind === "floor" && keeps.ready === 0)) return null;
  return { invariant: "lastHealthy", reason: `it is the last ready replica of pool "${pool}"` };
}

/** No action takes the ready capacity of a version below its share, nor its last replica while it has a share. */
function capacity(side: "primary" | "canary", goal: PoolGoal, tally: Tally): Refusal | null {
  if (goal.keeps.kind === "floor") return aboveFloor(goal.keeps.ready, side, goal, tally);
  const { steady } = goal[side];
  const share = goal.split.kind === "shares" ? goal.split.weights : ALL_PRIMARY;
  const total = share.canary + share.primary;
  const left = tally.ready[side] - 1;
  if (share[side] === 0 || left * total >= share[side] * steady) return null;
  const percent = Math.round((100 * share[side]) / total);
  return {
    invariant: left === 0 ? "oneEach" : "capacity",
    reason: `${left} of ${steady} ready ${side} replicas would be left for ${percent} % of the traffic`,
  };
}

/** A wave may take so much and no more, whichever version it is of. */
function aboveFloor(
  floor: number,
  side: "primary" | "canary",
  { units = ALIKE }: PoolGoal,
  { ready }: Tally,
): Refusal | null {
  const left = capacityOf(ready, units) - units[side];
  if (left >= floor) return null;
  const what = units === ALIKE ? "ready replicas" : "units of ready capacity";
  return { invariant: "capacity", reason: `${left} ${what} would be left, and ${floor} must be` };
}

function readyOf({ ready }: Tally): number {
  return ready.primary + ready.canary;
}

/** Later moves of the same tick are judged by what the earlier ones leave. */
function count(move: Move, tally: Tally): void {
  if (move.kind === "launch") {
    tally.total += 1;
    return;
  }
  if (move.replica.status === "ready") tally.ready[move.side] -= 1;
}
