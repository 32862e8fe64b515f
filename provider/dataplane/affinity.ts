import type { AffinitySpec } from "../core/spec/pool";

/** So far into a body `prefixField` is looked for, and no further does a prefix reach: it must be soon known. */
export const PREFIX_WINDOW_BYTES = 16 * 1024;
/** A gap alone says little of a service under load: the replica of a key must also have so many times the requests. */
export const LOAD_RATIO = { of: 3, to: 2 } as const;
/** What routers of language models leave a prefix at. */
const PREFIX_LOAD_GAP = 64;

/** Null: whatever the load, as long as there is room. Whoever asks for a session wants it kept; a prefix is worth less. */
export function maxLoadGap({ prefixBytes, maxLoadGap }: AffinitySpec): number | null {
  return maxLoadGap ?? (prefixBytes === undefined ? null : PREFIX_LOAD_GAP);
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/**
 * How much a key prefers a replica (rendezvous hashing), both by their hashes: the same one of all for as long as it is there,
 * and when one goes, only its own keys find another. Ends as Murmur3 does: near keys must not prefer the same replica.
 */
export function preference(key: number, replica: number): number {
  let hash = key ^ replica;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
