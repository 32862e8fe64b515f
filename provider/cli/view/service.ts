import type { Intent } from "../../core/intent";
import type { Resources } from "../../core/spec/pool";
import type { Condition, Outcome, Rejection, Replica, RolloutProgress, State } from "../../core/state";
import { serviceRevision } from "../../core/target";
import type { DataPlaneReport } from "../../ports/dataplane";
import type { Lease } from "../../ports/store";

/** All that `status` knows of one service; `--json` prints it as it is. */
export interface ServiceView {
  name: string;
  identity: string;
  version: number | null;
  uptimeSeconds: number | null;
  status: "READY" | "REPLICA_INIT" | "NO_REPLICA" | "SHUTTING_DOWN";
  readyReplicas: number;
  totalReplicas: number;
  endpoint: string;
  agent: "alive" | "dead" | "none";
  balancer: "alive" | "unreachable";
  replicas: ReplicaView[];
  rollout: RolloutView | null;
  lastOutcome: Outcome | null;
  conditions: Condition[];
  rejected: (Rejection & { targetKey: string })[];
}

export interface ReplicaView {
  id: string;
  pool: string;
  version: number | null;
  revision: string;
  side: "primary" | "canary" | "stale";
  endpoint: string | null;
  launchedSecondsAgo: number;
  resources: string;
  status: string;
  region: string | null;
  inFlight: number | null;
  reason: string | null;
}

export interface RolloutView {
  id: number;
  direction: RolloutProgress["direction"]["kind"];
  reason: string | null;
  /** 1-based number of the plan state being established. */
  step: number;
  steps: number;
  kind: string;
  percent: number;
  weights: { canary: number; primary: number };
  pools: Record<string, { canary: number; primary: number; cap: number }>;
  peakReplicas: number;
  seconds: number;
}

export interface ServiceFacts {
  intent: Intent;
  state: State | null;
  lease: Lease | null;
  /** Null: the balancer did not answer. */
  dataplane: DataPlaneReport | null;
  now: number;
}

export function serviceView({ intent, state, lease, dataplane, now }: ServiceFacts): ServiceView {
  const replicas = Object.values(state?.replicas ?? {});
  const ready = replicas.filter(({ status }) => status === "ready").length;
  const { host, port } = dataplane?.endpoint ?? intent.service.spec.endpoint;
  return {
    name: intent.identity.split("/").at(-1) ?? intent.identity,
    identity: intent.identity,
    version: state && (versionOf(state, "canary") ?? versionOf(state, "primary")),
    uptimeSeconds: dataplane && Math.floor((now - dataplane.startedAt) / 1000),
    status: statusOf(intent, replicas.length, ready),
    readyReplicas: ready,
    totalReplicas: replicas.length,
    endpoint: `${host}:${port}`,
    agent: lease === null ? "none" : lease.dead ? "dead" : "alive",
    balancer: dataplane === null ? "unreachable" : "alive",
    replicas: state === null ? [] : replicas.map((replica) => replicaView(replica, state, dataplane, now)),
    rollout: state?.rollout ? rolloutView(state.rollout, now) : null,
    lastOutcome: state?.lastOutcome ?? null,
    conditions: state?.conditions ?? [],
    rejected: Object.entries(state?.rejected ?? {}).map(([targetKey, rejection]) => ({ targetKey, ...rejection })),
  };
}

function statusOf(intent: Intent, total: number, ready: number): ServiceView["status"] {
  if (intent.service.deleting) return "SHUTTING_DOWN";
  if (ready > 0) return "READY";
  return total > 0 ? "REPLICA_INIT" : "NO_REPLICA";
}

/** Ordinal of the service as it is on one side: with the canary, pools that have none count with their primary. */
function versionOf(state: State, side: "primary" | "canary"): number | null {
  const pools = Object.values(state.pools);
  if (side === "canary" && pools.every(({ canary }) => canary === null)) return null;
  const specs = pools.map((pool) => (side === "canary" ? (pool.canary ?? pool.primary) : pool.primary));
  return state.versions[serviceRevision(specs.filter((spec) => spec !== null))] ?? null;
}

function replicaView(replica: Replica, state: State, dataplane: DataPlaneReport | null, now: number): ReplicaView {
  const pool = state.pools[replica.pool];
  const side =
    replica.revision === pool?.primary?.revision
      ? "primary"
      : replica.revision === pool?.canary?.revision
        ? "canary"
        : "stale";
  const spec = side === "stale" ? null : (pool?.[side] ?? null);
  return {
    id: replica.id,
    pool: replica.pool,
    version: side === "stale" ? null : versionOf(state, side),
    revision: replica.revision,
    side,
    endpoint: replica.address && `${replica.address.host}:${replica.address.port}`,
    launchedSecondsAgo: Math.max(0, Math.floor((now - replica.launchedAt) / 1000)),
    resources: resourcesText(spec?.launch.resources ?? {}),
    status: STATUS[replica.status],
    region: replica.zone,
    inFlight: dataplane?.replicas[replica.id]?.inFlight ?? null,
    reason: replica.reason,
  };
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

/** As SkyServe writes it: `1x local(vCPU=2, mem=8, A10G=1)`. */
function resourcesText({ cpus, memoryGiB, accelerators }: Resources): string {
  const parts = [
    cpus === undefined ? null : `vCPU=${cpus}`,
    memoryGiB === undefined ? null : `mem=${memoryGiB}`,
    ...Object.entries(accelerators ?? {}).map(([name, count]) => `${name}=${count}`),
  ].filter((part) => part !== null);
  return parts.length === 0 ? "1x local" : `1x local(${parts.join(", ")})`;
}

function rolloutView(rollout: RolloutProgress, now: number): RolloutView {
  const goal = rollout.plan[rollout.cursor];
  return {
    id: rollout.id,
    direction: rollout.direction.kind,
    reason: rollout.direction.kind === "back" ? rollout.direction.reason : null,
    step: rollout.cursor + 1,
    steps: rollout.plan.length,
    kind: goal?.kind ?? "start",
    percent: goal?.percent ?? 0,
    weights: goal?.weights ?? { canary: 0, primary: 100 },
    pools: Object.fromEntries(
      Object.entries(goal?.pools ?? {}).map(([name, counts]) => [name, { ...counts, cap: rollout.cap[name] ?? 0 }]),
    ),
    peakReplicas: rollout.peakReplicas,
    seconds: Math.max(0, Math.floor((now - rollout.startedAt) / 1000)),
  };
}
