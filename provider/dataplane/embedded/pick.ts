import type { BalancerSpec } from "../../core/spec/pool";
import type { Member } from "./member";

export interface Candidates {
  members: readonly Member[];
  /** Counts up with every choice, so that equals take turns. */
  turn: number;
}

/** Replicas that this request has already failed on; null on its first attempt. */
export type Tried = ReadonlySet<Member> | null;

/**
 * The healthy replica with room that the policy prefers, or null. Load is what is in flight by weight; a replica of less
 * weight than others lets turns pass, unless nobody else can take them.
 */
export function pick(policy: BalancerSpec["policy"], from: Candidates, limit: number, tried: Tried): Member | null {
  return choose(policy, from, limit, tried, false);
}

/**
 * As `pick`, but takes replicas that count as unhealthy. Only for when no replica is healthy: the checks may be wrong, and
 * an answer that might come is better than one that cannot.
 */
export function pickInPanic(
  policy: BalancerSpec["policy"],
  from: Candidates,
  limit: number,
  tried: Tried,
): Member | null {
  return choose(policy, from, limit, tried, true);
}

function choose(
  policy: BalancerSpec["policy"],
  from: Candidates,
  limit: number,
  tried: Tried,
  unhealthyToo: boolean,
): Member | null {
  const { members } = from;
  const count = members.length;
  let best: Member | null = null;
  let turn = (from.turn + 1) % (count || 1);
  let at = from.turn % (count || 1);
  for (let seen = 0; seen < count; seen += 1) {
    const member = members[at]!;
    at = at + 1 === count ? 0 : at + 1;
    if (member.inFlight >= limit || (!unhealthyToo && !member.health.healthy)) continue;
    if (tried !== null && tried.has(member)) continue;
    if (policy === "roundRobin") {
      const takes = member.takesTurn();
      if (takes || best === null) {
        best = member;
        turn = at;
      }
      if (takes) break;
      continue;
    }
    if (best === null || member.inFlight * best.weight < best.inFlight * member.weight) best = member;
  }
  if (best !== null) from.turn = turn;
  return best;
}
