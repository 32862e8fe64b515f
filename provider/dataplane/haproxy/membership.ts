import { isIP } from "node:net";
import { ServeError } from "../../core/errors";
import type { DesiredReplica, DesiredRouting } from "../../core/routing";
import type { BalancerSpec, ReadinessSpec } from "../../core/spec/pool";
import { backendName, replicaOfServer, ROOM, SLOTS, serverName } from "./names";
import type { Slots } from "./pool-maps";
import type { Runtime } from "./runtime";
import { readTable } from "./tables";

/** A replica with its weight in whole numbers, as HAProxy takes it: 256 are 1. */
export type Weighed = DesiredReplica & { weight: number };

/** The servers that each backend shall have, by their names. */
export type Membership = Map<string, Map<string, Weighed>>;

/** How often a replica that is down is looked at, in milliseconds: it should be back within a second. */
const RECHECK_MS = 500;
const WHOLE_WEIGHT = 256;
/** Bits of `srv_admin_state`. */
const FORCED_MAINT = 0x01;
const FORCED_DRAIN = 0x08;

/** `slots` of each pool, in the order of the routes. No server can have more weight than 1. */
export function membershipOf(desired: DesiredRouting, slots: readonly Slots[]): Membership {
  const members: Membership = new Map();
  desired.routes.forEach((route, pool) => {
    for (const slot of SLOTS) {
      const servers = new Map<string, Weighed>();
      for (const version of [route.primary, route.canary]) {
        if (version === null || version.revision !== slots[pool]![slot]) continue;
        for (const replica of version.replicas) {
          const weight = Math.max(1, Math.round((replica.weight ?? 1) * WHOLE_WEIGHT));
          servers.set(serverName(replica, version.revision), { ...replica, weight });
        }
      }
      members.set(backendName(pool, slot), servers);
    }
  });
  return members;
}

/** A server as the configuration and `add server` take it: a dynamic one inherits nothing. */
export function serverLine(name: string, replica: Weighed, readiness: ReadinessSpec, balancer: BalancerSpec): string {
  const interval = Math.max(1, Math.round(readiness.intervalSeconds * 1000));
  return (
    `${uncheckedLine(name, replica, balancer)} check inter ${interval}ms downinter ${Math.min(interval, RECHECK_MS)}ms ` +
    `fall ${readiness.failureThreshold} rise ${readiness.successThreshold} ` +
    // A refusing server always has the fewest connections: it must go at once, or it gets every request.
    `observe layer4 error-limit 1 on-error mark-down`
  );
}

/** In a process that is ending: what it knows of checks is of an older routing. */
function uncheckedLine(name: string, replica: Weighed, balancer: BalancerSpec): string {
  return `${name} ${addressOf(replica)} weight ${replica.weight} maxconn ${balancer.maxInFlightPerReplica}`;
}

export function addressOf({ host, port }: { host: string; port: number }): string {
  const family = isIP(host);
  if (family === 0)
    throw new ServeError({
      code: "InvalidInput",
      scope: "dataplane",
      reasons: [`HAProxy needs addresses, and ${host} is a name: give its IP address, or use the embedded engine.`],
    });
  return `ipv${family}@${host}:${port}`;
}

export interface Server {
  backend: string;
  name: string;
  weight: number;
  drains: boolean;
  inMaintenance: boolean;
}

/** The replicas that HAProxy has now. */
export async function serversOf(runtime: Runtime): Promise<Server[]> {
  const answer = await runtime.expect("show servers state", /srv_admin_state/);
  return readTable(answer.slice(answer.indexOf("#")))
    .filter((row) => row["srv_name"] !== ROOM && replicaOfServer(row["srv_name"] ?? "") !== null)
    .map((row) => ({
      backend: row["be_name"]!,
      name: row["srv_name"]!,
      weight: Number(row["srv_uweight"]),
      drains: (Number(row["srv_admin_state"]) & FORCED_DRAIN) !== 0,
      inMaintenance: (Number(row["srv_admin_state"]) & FORCED_MAINT) !== 0,
    }));
}

/** Everything that shall be there is, and takes requests when this returns; what shall not be there is for `sendOut`. */
export async function bringIn(
  runtime: Runtime,
  desired: DesiredRouting,
  members: Membership,
  checks: "checked" | "unchecked",
): Promise<void> {
  const present = new Map((await serversOf(runtime)).map((server) => [`${server.backend}/${server.name}`, server]));
  for (const [backend, servers] of members) {
    const route = desired.routes[Number(/\d+/.exec(backend)![0])]!;
    for (const [name, replica] of servers) {
      const path = `${backend}/${name}`;
      const there = present.get(path);
      if (there === undefined) {
        const line =
          checks === "checked"
            ? serverLine(name, replica, route.readiness, desired.balancer)
            : uncheckedLine(name, replica, desired.balancer);
        await runtime.expect(`add server ${backend}/${line}`, /registered/i);
        if (checks === "checked") await runtime.order(`enable health ${path}`);
        await runtime.order(`enable server ${path}`);
        // Ready it is already, or it would not be routed: waiting for a first check would leave it out for that long.
        if (checks === "checked") await runtime.order(`set server ${path} health up`);
        continue;
      }
      if (there.weight !== replica.weight) await setWeight(runtime, path, replica.weight);
      if (there.drains || there.inMaintenance) await runtime.order(`set server ${path} state ready`);
    }
  }
}

/** Of those that are there and shall be, the weights, and nothing else. */
export async function weighAnew(runtime: Runtime, members: Membership): Promise<void> {
  for (const { backend, name, weight } of await serversOf(runtime)) {
    const wanted = members.get(backend)?.get(name)?.weight;
    if (wanted !== undefined && wanted !== weight) await setWeight(runtime, `${backend}/${name}`, wanted);
  }
}

/** Not HAProxy's own `slowstart`: it cuts `maxconn` down as well, so that requests would be refused for which there is room. */
function setWeight(runtime: Runtime, server: string, weight: number): Promise<void> {
  return runtime.order(`set server ${server} weight ${weight}`);
}

/** Whoever shall not be there gets nothing new from now on; their running requests go on. */
export async function sendOut(runtime: Runtime, members: Membership): Promise<Server[]> {
  const leavers = (await serversOf(runtime)).filter(({ backend, name }) => !members.get(backend)?.has(name));
  for (const { backend, name, drains, inMaintenance } of leavers) {
    if (!drains && !inMaintenance) await runtime.order(`set server ${backend}/${name} state drain`);
  }
  return leavers;
}

/** Takes a drained server away; false: something still runs there, so it is to be asked again. */
export async function remove(runtime: Runtime, { backend, name }: Server): Promise<boolean> {
  await runtime.order(`set server ${backend}/${name} state maint`);
  const answer = await runtime.ask(`del server ${backend}/${name}`);
  return /deleted/i.test(answer);
}
