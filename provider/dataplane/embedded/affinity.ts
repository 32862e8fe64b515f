import type { AffinitySpec } from "../../core/spec/pool";
import { hashOf, LOAD_RATIO, preference } from "../affinity";
import type { Member } from "./member";
import type { Candidates, Tried } from "./pick";
import { fieldOf, type ClientHead } from "./request-head";

/** What the head of a request holds it together with others by, as a hash; null: it names nothing, so any replica will do. */
export function affinityKey(head: Pick<ClientHead, "all">, { header, cookie }: AffinitySpec): number | null {
  if (header !== undefined) return keyOf(fieldOf(head, header));
  return cookie === undefined ? null : keyOf(cookieOf(fieldOf(head, "cookie"), cookie));
}

export function keyOf(value: string | null): number | null {
  return value === null || value === "" ? null : hashOf(value);
}

/**
 * The healthy replica with room that this key prefers of all; null: none has room, or that one has so much more to do than
 * its machine would have as the least busy one (`gap`, if any) that the key is better off elsewhere.
 */
export function pickByKey(
  key: number,
  { members }: Candidates,
  { limit, gap, tried }: { limit: number; gap: number | null; tried: Tried },
): Member | null {
  let best: Member | null = null;
  let bestPreference = -1;
  let least = Infinity;
  for (const member of members) {
    if (member.inFlight >= limit || !member.health.healthy || tried?.has(member)) continue;
    if (member.inFlight < least * member.carries) least = member.inFlight / member.carries;
    const preferred = preference(key, member.affinity);
    if (preferred > bestPreference) {
      best = member;
      bestPreference = preferred;
    }
  }
  if (best === null || gap === null) return best;
  const fair = least * best.carries;
  const overloaded = best.inFlight - fair > gap && best.inFlight * LOAD_RATIO.to > fair * LOAD_RATIO.of;
  return overloaded ? null : best;
}

function cookieOf(cookies: string | null, name: string): string | null {
  if (cookies === null) return null;
  for (const pair of cookies.split(";")) {
    const at = pair.indexOf("=");
    if (at !== -1 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}
