import type { Draft } from "./draft";
import type { Invariant } from "./events";
import { takeCensus, type Census, type Side } from "./fleet/census";
import type { Move } from "./fleet/moves";
import type { Goals, PoolGoal, Weights } from "./goals";

/**
 * The last word before anything happens (DESIGN section 5): whatever the policies propose, no move that would break an
 * invariant passes. A refusal is told once as an event; the move is proposed again in the next tick, so a refusal is a
 * wait, not a loss.
 */
export function guard(draft: Draft, goals: Goals, moves: readonly Move[]): Move[] {
  const census = takeCensus(draft.state);
  const refused: Record<string, Invariant> = {};
  const allowed = moves.filter((move) => {
    const pool = move.kind === "launch" ? move.pool : move.replica.pool;
    const refusal = refuse(move, goals.pools[pool]!, goals.weights, census[pool]!);
    if (refusal === null) {
      count(move, census[pool]!);
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

interface Refusal {
  invariant: Invariant;
  reason: string;
}

function refuse(move: Move, goal: PoolGoal, weights: Weights, census: Census): Refusal | null {
  switch (move.kind) {
    case "launch":
      if (census.total < goal.cap) return null;
      return { invariant: "cap", reason: `pool "${move.pool}" has ${census.total} VMs and may have ${goal.cap}` };
    case "drain":
    case "end":
      if (goal.leaving || move.replica.status !== "ready") return null;
      return lastHealthy(move.replica.pool, census) ?? capacity(move.side, goal, weights, census);
  }
}

/** No action ends the last healthy ready capacity while nothing better is ready. */
function lastHealthy(pool: string, census: Census): Refusal | null {
  const ready = census.primary.ready.length + census.canary.ready.length + census.stale.ready.length;
  if (ready > 1) return null;
  return { invariant: "lastHealthy", reason: `it is the last ready replica of pool "${pool}"` };
}

/** No action takes the ready capacity of a version below its share, nor its last replica while it has a share. */
function capacity(side: Side, goal: PoolGoal, weights: Weights, census: Census): Refusal | null {
  if (side === "stale") return null;
  const { steady } = goal[side];
  const share = goal.moving ? weights : { canary: 0, primary: 100 };
  const total = share.canary + share.primary;
  const left = census[side].ready.length - 1;
  if (share[side] === 0 || left * total >= share[side] * steady) return null;
  const percent = Math.round((100 * share[side]) / total);
  return {
    invariant: left === 0 ? "oneEach" : "capacity",
    reason: `${left} of ${steady} ready ${side} replicas would be left for ${percent} % of the traffic`,
  };
}

/** Later moves of the same tick are judged by what the earlier ones leave. */
function count(move: Move, census: Census): void {
  if (move.kind === "launch") {
    census.total += 1;
    return;
  }
  const side = census[move.side];
  side.ready = side.ready.filter(({ id }) => id !== move.replica.id);
}
