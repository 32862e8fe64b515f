import type { AffinitySpec } from "../../core/spec/pool";
import type { Candidates, Tried } from "./pick";
import type { Member } from "./member";
import { fieldOf, type ClientHead } from "./request-head";

/** What a request is held together with others by, as a hash; null: it names nothing, so any replica will do. */
export function affinityKey(head: Pick<ClientHead, "all">, { header, cookie }: AffinitySpec): number | null {
  const value = header !== undefined ? fieldOf(head, header) : cookieOf(fieldOf(head, "cookie"), cookie!);
  return value === null || value === "" ? null : hashOf(value);
}

/**
 * The healthy replica with room that this key prefers of all (rendezvous hashing): the same one for as long as it is there,
 * and when one goes, only its own keys find another. Null: none has room.
 */
export function pickByKey(key: number, { members }: Candidates, limit: number, tried: Tried): Member | null {
  let best: Member | null = null;
  let bestScore = -1;
  for (const member of members) {
    if (member.inFlight >= limit || !member.health.healthy || tried?.has(member)) continue;
    const score = mixed(key ^ member.affinity);
    if (score > bestScore) {
      best = member;
      bestScore = score;
    }
  }
  return best;
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Murmur3's last step: near keys must not prefer the same replica. */
function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function cookieOf(cookies: string | null, name: string): string | null {
  if (cookies === null) return null;
  for (const pair of cookies.split(";")) {
    const at = pair.indexOf("=");
    if (at !== -1 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}
