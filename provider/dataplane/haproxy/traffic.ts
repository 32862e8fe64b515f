import type { Revision } from "../../core/spec/pool";
import { poolOfBackend, replicaOfServer } from "./names";
import type { Runtime } from "./runtime";
import { readTable } from "./tables";

/** What one HAProxy process carries now, and what it has counted since it started. */
export interface Traffic {
  /** Connections of clients, idle ones too. */
  clients: number;
  servers: ServerTraffic[];
  /** By the place of the pool: requests that wait for a replica. */
  queued: Map<number, number>;
}

export interface ServerTraffic {
  pool: number;
  backend: string;
  name: string;
  replica: string;
  revision: Revision;
  /** It has done its part when its last byte is here: that may be before the client has it, but needs it no more. */
  inFlight: number;
  healthy: boolean;
  attempts: number;
  errors: number;
  /** Of these: what was given to another replica. */
  retried: number;
}

export async function trafficOf(runtime: Runtime): Promise<Traffic> {
  const traffic: Traffic = { clients: 0, servers: [], queued: new Map() };
  for (const row of readTable(await runtime.expect("show stat", /^# pxname,/), ",")) {
    const [proxy, name] = [row["pxname"]!, row["svname"]!];
    const number = (column: string): number => Number(row[column] ?? 0) || 0;
    if (name === "FRONTEND") traffic.clients += number("scur");
    const pool = poolOfBackend(proxy);
    if (pool === null) continue;
    if (name === "BACKEND") traffic.queued.set(pool, (traffic.queued.get(pool) ?? 0) + number("qcur"));
    const replica = replicaOfServer(name);
    if (replica === null) continue;
    // A try that broke counts as both when another replica gets it, one without a connection as the latter alone.
    const retried = Math.max(number("wretr"), number("wredis"));
    traffic.servers.push({
      pool,
      backend: proxy,
      name,
      replica: replica.id,
      revision: replica.revision,
      inFlight: number("scur"),
      healthy: /^(UP|no check|DRAIN)/.test(row["status"]!),
      attempts: number("stot"),
      // A failure that led to another try is told apart from one that did not.
      errors: number("econ") + number("eresp") + retried,
      retried,
    });
  }
  return traffic;
}
