import type { Intent } from "../../provider/core/intent";
import type { PoolSpec } from "../../provider/core/spec/pool";
import { surge } from "../core/strategies";

/** A pool spec with everything that the tests do not care about filled in. */
export function poolSpec(name: string, revision: string, replicas: number, more: Partial<PoolSpec> = {}): PoolSpec {
  const parts = { setup: "", run: revision, workdir: "", env: "", port: "", resources: "", restartToken: "" };
  return {
    name,
    revision,
    parts,
    specHash: `${revision}/${replicas}`,
    launch: { setup: null, run: "run", workdirBlob: null, envSecret: null, port: 8000, resources: {} },
    route: "/",
    replicas,
    scaling: null,
    readiness: {
      path: "/health",
      startupGraceSeconds: 60,
      intervalSeconds: 1,
      timeoutSeconds: 1,
      successThreshold: 1,
      failureThreshold: 3,
      method: "GET",
      requestSecret: null,
    },
    drainSeconds: 30,
    minReadySeconds: 0,
    bootSeconds: 1,
    userConfig: null,
    spot: null,
    version: null,
    ...more,
  };
}

export function intentOf(pools: PoolSpec[], maxSurgePercent = 25): Intent {
  return {
    schemaVersion: 1,
    identity: "project/stack/service",
    uid: "u",
    service: {
      incarnation: 1,
      deleting: false,
      spec: {
        endpoint: { host: "127.0.0.1", port: 8080 },
        target: { kind: "local", cloudFile: "" },
        balancer: {
          policy: "leastLoad",
          maxInFlightPerReplica: 100,
          maxQueue: 100,
          queueTimeoutSeconds: 10,
          requestTimeoutSeconds: 10,
          maxHeaderBytes: 16384,
          maxBodyBytes: 1,
          replayBufferBytes: 1,
          retry: { attempts: 3, nonIdempotent: true },
        },
      },
    },
    pools: Object.fromEntries(
      pools.map((declared) => [declared.name, { incarnation: 1, declared, attempt: 1, deleting: false }]),
    ),
    rollout: {
      incarnation: 1,
      driving: true,
      target: Object.fromEntries(pools.map(({ name, revision, specHash }) => [name, { revision, specHash }])),
      strategy: surge(maxSurgePercent),
    },
    commands: { seq: 0, given: [] },
  };
}

/** What a `pulumi up` of these pools declares: the pools first, then the Rollout's target. */
export function redeclare(intent: Intent, pools: PoolSpec[]): void {
  for (const declared of pools) {
    const before = intent.pools[declared.name];
    intent.pools[declared.name] = {
      incarnation: 1,
      deleting: false,
      declared,
      attempt: (before?.attempt ?? 0) + 1,
    };
  }
  intent.rollout!.target = Object.fromEntries(
    pools.map(({ name, revision, specHash }) => [name, { revision, specHash }]),
  );
}
