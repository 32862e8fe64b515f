import { hashOf, preference } from "../affinity";
import type { Membership } from "./membership";

/** More keys than these share one; with so many, twenty replicas get an even share of them within a few percent. */
export const BUCKETS = 1024;

/** As HAProxy reckons in whole numbers: this is as much as the mean of the others. */
export const EVEN_PART = 1000;

/** By backend and server what it carries against the mean of the others of its version, where that is not as much. */
function partsOf(members: Membership): Map<string, string> {
  const parts = new Map<string, string>();
  for (const [backend, servers] of members) {
    const all = [...servers.values()].reduce((sum, { weight }) => sum + weight, 0);
    for (const [server, { weight }] of servers) {
      const part = Math.round((EVEN_PART * weight * (servers.size - 1)) / (all - weight));
      if (servers.size > 1 && part !== EVEN_PART) parts.set(`${backend}/${server}`, String(part));
    }
  }
  return parts;
}

/** By backend and bucket of keys the server that keeps them: who comes takes, and who goes leaves, only its own. And the parts. */
export function keepersOf(members: Membership): Map<string, string> {
  const keepers = partsOf(members);
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
