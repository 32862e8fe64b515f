import { hashOf, preference } from "../affinity";
import type { Membership } from "./membership";

/** More keys than these share one; with so many, twenty replicas get an even share of them within a few percent. */
export const BUCKETS = 1024;

/** By backend and bucket of keys the server that keeps them: who comes takes, and who goes leaves, only its own. */
export function keepersOf(members: Membership): Map<string, string> {
  const keepers = new Map<string, string>();
  for (const [backend, servers] of members) {
    const hashes = [...servers].map(([server, { id }]) => ({ server, hash: hashOf(id) }));
    if (hashes.length === 0) continue;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const key = hashOf(String(bucket));
      const keeper = hashes.reduce((a, b) => (preference(key, b.hash) > preference(key, a.hash) ? b : a));
      keepers.set(`${backend}/${bucket}`, keeper.server);
    }
  }
  return keepers;
}
