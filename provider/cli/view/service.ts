import { rolloutProgress, type Progress } from "../../core/follow";
import type { Intent } from "../../core/intent";
import { ownerOf } from "../../core/spec/identity";
import type { Condition, Outcome, Rejection, State } from "../../core/state";
import { targetKey } from "../../core/target";
import type { DataPlaneReport } from "../../ports/dataplane";
import type { Lease } from "../../ports/store";
import { costView, type CostView } from "./cost";
import { keptVersions, type KeptVersionView } from "./kept-version";
import { poolViews, type PoolView } from "./pool";
import { queuesOf, type QueueView } from "./queue";
import { replicaView, type ReplicaView } from "./replica";
import { rolloutView, type RolloutView } from "./rollout";
import { trafficOf, type TrafficView } from "./traffic";
import { shownVersion } from "./version";

/** All that `status` knows of one service; `--json` prints it as it is. */
export interface ServiceView {
  name: string;
  project: string;
  stack: string;
  /** `<project>/<stack>/<name>` */
  identity: string;
  version: number | null;
  uptimeSeconds: number | null;
  status: "READY" | "REPLICA_INIT" | "NO_REPLICA" | "SHUTTING_DOWN";
  readyReplicas: number;
  totalReplicas: number;
  /** `host:port`, and `https://` before it where clients speak TLS. */
  endpoint: string;
  agent: "alive" | "dead" | "none";
  balancer: "alive" | "unreachable";
  pools: PoolView[];
  replicas: ReplicaView[];
  /** What waits for a replica now, by pool; empty while the balancer does not answer. */
  queues: QueueView[];
  /** By version, since the balancer started. */
  traffic: TrafficView[];
  rollout: RolloutView | null;
  /** What `pulumi up` of the unchanged program would say now; null: no Rollout is declared. */
  outlook: Progress | null;
  lastOutcome: Outcome | null;
  conditions: Condition[];
  /** What was rolled back and is not tried again by itself; `declared`: the program still wants it. */
  rejected: (Rejection & { targetKey: string; declared: boolean })[];
  keptVersions: KeptVersionView[];
  /** Null: the target has told no prices. */
  cost: CostView | null;
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
  const target = intent.rollout?.target ?? null;
  const declaredKey = target && targetKey(target);
  return {
    ...ownerOf(intent.identity),
    identity: intent.identity,
    version: state && shownVersion(state),
    uptimeSeconds: dataplane && Math.floor((now - dataplane.startedAt) / 1000),
    status: statusOf(intent, replicas.length, ready),
    readyReplicas: ready,
    totalReplicas: replicas.length,
    endpoint: `${intent.service.spec.balancer.tls === undefined ? "" : "https://"}${host}:${port}`,
    agent: lease === null ? "none" : lease.dead ? "dead" : "alive",
    balancer: dataplane === null ? "unreachable" : "alive",
    pools: state === null ? [] : poolViews(state, now),
    replicas: state === null ? [] : replicas.map((replica) => replicaView(replica, state, dataplane, now)),
    queues: state === null ? [] : queuesOf(intent, state, dataplane),
    traffic: state === null ? [] : trafficOf(state, dataplane),
    rollout: state?.rollout ? rolloutView(state.rollout, state, now) : null,
    outlook: target && rolloutProgress(intent, state, target),
    lastOutcome: state?.lastOutcome ?? null,
    conditions: state?.conditions ?? [],
    rejected: Object.entries(state?.rejected ?? {}).map(([key, rejection]) => ({
      targetKey: key,
      declared: key === declaredKey,
      ...rejection,
    })),
    keptVersions: state === null ? [] : keptVersions(state, now),
    cost: state?.ledger === undefined ? null : costView(state.ledger, now),
  };
}

function statusOf(intent: Intent, total: number, ready: number): ServiceView["status"] {
  if (intent.service.deleting) return "SHUTTING_DOWN";
  if (ready > 0) return "READY";
  return total > 0 ? "REPLICA_INIT" : "NO_REPLICA";
}
