import { sideOf, type Side } from "../../core/fleet/census";
import type { Machine, PoolSpec } from "../../core/spec/pool";
import { machineOf } from "../../core/spec/shape";
import { targetOfZone, zoneInTarget } from "../../core/spec/zone-name";
import type { Replica, State } from "../../core/state";
import type { DataPlaneReport } from "../../ports/dataplane";
import { versionOfSide } from "./version";

export interface ReplicaView {
  id: string;
  pool: string;
  version: number | null;
  revision: string;
  side: Side;
  endpoint: string | null;
  launchedSecondsAgo: number;
  resources: string;
  status: string;
  region: string | null;
  inFlight: number | null;
  reason: string | null;
}

export function replicaView(
  replica: Replica,
  state: State,
  dataplane: DataPlaneReport | null,
  now: number,
): ReplicaView {
  const side = sideOf(state.pools[replica.pool], replica);
  const { version, spec } = originOf(replica, side, state);
  return {
    id: replica.id,
    pool: replica.pool,
    version,
    revision: replica.revision,
    side,
    endpoint: replica.address && `${replica.address.host}:${replica.address.port}`,
    launchedSecondsAgo: Math.max(0, Math.floor((now - replica.launchedAt) / 1000)),
    resources: resourcesText(replica, machineOf(spec?.launch.resources ?? {}, replica.shape)),
    status: STATUS[replica.status],
    region: replica.zone === null ? null : zoneInTarget(replica.zone),
    inFlight: dataplane?.replicas[replica.id]?.inFlight ?? null,
    reason: replica.reason,
  };
}

/** One that is neither primary nor canary may still be of a version that served before. */
function originOf(
  { pool, revision }: Replica,
  side: Side,
  state: State,
): { version: number | null; spec: PoolSpec | null } {
  if (side !== "stale") return { version: versionOfSide(state, side), spec: state.pools[pool]?.[side] ?? null };
  const kept = state.history.find(({ pools }) => pools[pool]?.revision === revision);
  return { version: kept?.version ?? null, spec: kept?.pools[pool] ?? null };
}

const STATUS: Record<Replica["status"], string> = {
  launching: "PROVISIONING",
  starting: "STARTING",
  ready: "READY",
  restarting: "RESTARTING",
  notReady: "NOT_READY",
  draining: "DRAINING",
  terminating: "SHUTTING_DOWN",
};

/** As SkyServe writes it: `1x local(vCPU=2, mem=8, A10G=1)`, `1x local([Spot]vCPU=2)`; a further target has a name. */
function resourcesText({ market, zone }: Replica, { cpus, memoryGiB, accelerators }: Machine): string {
  const target = (zone === null ? null : targetOfZone(zone)) ?? "local";
  const parts = [
    cpus === undefined ? null : `vCPU=${cpus}`,
    memoryGiB === undefined ? null : `mem=${memoryGiB}`,
    ...Object.entries(accelerators ?? {}).map(([name, count]) => `${name}=${count}`),
  ].filter((part) => part !== null);
  const demands = `${market === "spot" ? "[Spot]" : ""}${parts.join(", ")}`;
  return demands === "" ? `1x ${target}` : `1x ${target}(${demands})`;
}
