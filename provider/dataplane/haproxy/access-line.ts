import type { DesiredRoute } from "../../core/routing";
import { roleOf, whyRefused, type AccessEntry } from "../access-entry";
import type { AccessPart, LogLine } from "./log-lines";
import { replicaOfServer, ROOM } from "./names";

/** What the access log says of a request, by what HAProxy says of it. `route`: its pool, if that is still routed. */
export function accessEntry(
  line: LogLine,
  access: AccessPart,
  pool: string | null,
  route: DesiredRoute | undefined,
): AccessEntry {
  const { room } = access;
  const server = replicaOfServer(line.server);
  const asked = server ?? (room === null ? null : { id: room.replica, revision: room.revision });
  const end = endOf(line, asked !== null);
  return {
    time: new Date(access.endedAt - line.latency).toISOString(),
    client: access.client,
    method: access.method,
    path: access.path,
    protocol: access.protocol,
    status: line.status < 100 || (end === "aborted" && line.timeToFirstByte === null) ? null : line.status,
    bytes: access.bytes,
    pool,
    revision: asked && asked.revision,
    role: roleOf(asked && asked.revision, route ?? NONE),
    replica: asked && asked.id,
    tries: asked === null ? 0 : access.retries + (server === null ? room!.tries : 1),
    queueMs: access.queueMs + (room === null ? 0 : room.queueMs),
    firstByteMs: line.timeToFirstByte,
    totalMs: line.latency,
    end,
    ...(end === "refused" && { why: whyRefused(line.status) }),
  };
}

const NONE = { primary: null, canary: null };

function endOf({ endedBy, phase, status, server }: LogLine, answered: boolean): AccessEntry["end"] {
  // Its time for a request was over: HAProxy answers that.
  if (status === 408) return "refused";
  if (endedBy.toUpperCase() === "C") return "aborted";
  if (endedBy === "-") return answered || (server === ROOM && status < 400) ? "whole" : "refused";
  return phase === "D" ? "cut" : "refused";
}
