import { createHash } from "node:crypto";
import { ServeError } from "../../core/errors";
import type { DesiredReplica } from "../../core/routing";
import type { Revision } from "../../core/spec/pool";

/** The two standing backends of a pool: each holds the replicas of one revision; which role that has is told by a map. */
export const SLOTS = ["a", "b"] as const;
export type Slot = (typeof SLOTS)[number];

/** The frontend that clients talk to. */
export const FRONTEND = "public";
/** The ring that holds a line for each request until the supervisor has read it. */
export const LOG = "requests";
/** The server, and the backend, that lead to the waiting room. */
export const ROOM = "room";

export function backendName(pool: number, slot: Slot): string {
  return `p${pool}${slot}`;
}

/** Null for what is no backend of a pool. */
export function poolOfBackend(backend: string): number | null {
  const match = /^p(\d+)[ab]$/.exec(backend);
  return match === null ? null : Number(match[1]);
}

/**
 * Everything about a server is in its name, so that the servers that are there can be compared with those that should be.
 * Its address too: a replica that comes back elsewhere is another server.
 */
export function serverName(replica: DesiredReplica, revision: Revision): string {
  const address = createHash("sha256").update(`${replica.host} ${replica.port}`).digest("hex").slice(0, 8);
  return `${encoded(replica.id)}.${address}.${encoded(revision)}`;
}

/** Null for a server that is no replica. */
export function replicaOfServer(name: string): { id: string; revision: Revision } | null {
  const parts = name.split(".");
  if (parts.length !== 3) return null;
  return { id: decoded(parts[0]!), revision: decoded(parts[2]!) };
}

/** A word of the configuration that is taken as it is. */
export function quoted(word: string): string {
  for (let at = 0; at < word.length; at += 1) {
    // A line break would begin another statement.
    if (word.charCodeAt(at) < 32)
      throw new ServeError({
        code: "InvalidInput",
        scope: "dataplane",
        reasons: [`${JSON.stringify(word)} holds a control character: take it out.`],
      });
  }
  return `'${word.replace(/'/g, `'\\''`)}'`;
}

/** HAProxy takes letters, digits, and a few marks in names. */
function encoded(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9_-]/.test(character) ? character : `:${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

function decoded(text: string): string {
  const bytes = text.replace(/:([0-9a-f]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}
