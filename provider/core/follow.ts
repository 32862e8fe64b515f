import type { ErrorCode } from "./errors";
import { censusOf } from "./fleet/census";
import { isBroken, startsOf } from "./fleet/failures";
import { isConfigured, refusalOf } from "./fleet/user-config";
import type { Intent, RolloutTarget } from "./intent";
import { describeProgress } from "./rollout/progress";
import { sameRevisions } from "./rollout/follow-intent";
import { currentVersion } from "./rollout/version";
import type { PoolSpec } from "./spec/pool";
import type { Direction, PoolFailures, PoolState, Replica, RolloutProgress, State } from "./state";
import { rejectedReasons } from "./story";
import { targetKey } from "./target";

/** What a waiting handler or CLI learns from one look at intent and state. */
export type Progress =
  | { kind: "working"; line: string }
  | { kind: "done"; line: string }
  | { kind: "failed"; code: ErrorCode; reasons: [string, ...string[]] };

/** Whether the pool has what its declaration promises: see DESIGN 1, "who does what". */
export function poolProgress(intent: Intent, state: State | null, name: string): Progress {
  const declaration = intent.pools[name];
  if (declaration === undefined || declaration.deleting) {
    return failed("Superseded", `pool "${name}" was deleted meanwhile; run \`pulumi up\` again to bring it back`);
  }
  const pool = state?.pools[name];
  if (state === null || pool === undefined || pool.attemptSeen !== declaration.attempt) {
    return working("waiting for the agent");
  }
  const { declared } = declaration;
  if (pool.hasServed && declared.revision !== pool.primary?.revision) {
    return done(`revision ${declared.revision} is staged for the Rollout`);
  }
  if (pool.primary?.specHash !== declared.specHash) return working("waiting for the agent");
  // In a rollout the numbers of both versions are the plan's; the declared one is in force when it is over.
  if (state.rollout?.pools.some((moved) => moved.name === name))
    return done("declared; the rollout in progress goes on");
  // The number of an autoscaled pool is what its load asks for now.
  const { scaling, replicas } = pool.primary;
  return replicasProgress(state, name, pool, scaling ? replicas : declared.replicas);
}

function replicasProgress(state: State, name: string, pool: PoolState, replicas: number): Progress {
  const { primary, stale } = censusOf(state)[name]!;
  const ready = primary.ready.length;
  const refused = configRefusal(name, pool.primary!, primary.alive);
  if (refused !== null) return refused;
  const taken = primary.ready.filter((replica) => isConfigured(replica, pool.primary!)).length;
  // What stands in for spot or is spare comes and goes by itself: it keeps nobody waiting.
  const mayHaveMore = Boolean(pool.primary!.scaling) || Boolean(pool.primary!.spot);
  const noMore = primary.all.length === replicas || (mayHaveMore && primary.all.length > replicas);
  if (ready >= replicas && noMore && stale.all.length === 0 && taken === ready) {
    return done(`${ready} of ${replicas} replicas ready`);
  }
  const { failures } = pool;
  if (isBroken(failures)) {
    return failed(
      "ReplicaFailed",
      `pool "${name}" does not come up, after ${failedStarts(failures)}: ${failures.reason}`,
      `see \`pulumi-serve logs\`, mend the template of pool "${name}" and run \`pulumi up\` again`,
    );
  }
  const waits = state.conditions.find((condition) => condition.pool === name || condition.pool === null);
  const what =
    ready < replicas
      ? `${ready} of ${replicas} replicas ready`
      : taken < ready
        ? `${taken} of ${ready} replicas have taken the userConfig`
        : `${ready} ready, ending what is too much`;
  return working(waits === undefined ? what : `${what}; ${waits.message}`);
}

function failedStarts(failures: PoolFailures): string {
  const starts = startsOf(failures);
  return starts === 1 ? "a failed start" : `${starts} failed starts in a row`;
}

/** Null: nobody refuses it, or whoever does is being replaced, which a last healthy replica never is. */
function configRefusal(pool: string, spec: PoolSpec, replicas: readonly Replica[]): Progress | null {
  if (spec.userConfig?.onRefusal === "replace" && spec.replicas > 1) return null;
  for (const replica of replicas) {
    const refusal = refusalOf(replica, spec);
    if (refusal === null) continue;
    return failed(
      "ReplicaFailed",
      `replica ${replica.id} of pool "${pool}" refused the userConfig and goes on with what it had: ${refusal}`,
      `mend \`userConfig\` (or \`reconfigure\`, if it went the wrong way) of pool "${pool}" and run \`pulumi up\` again`,
    );
  }
  return null;
}

/** Whether every pool that has served does so again; a pool that cannot is its own resource's failure. */
export function revivalProgress(intent: Intent, state: State): Progress {
  for (const [name, { hasServed }] of Object.entries(state.pools)) {
    const declaration = intent.pools[name];
    if (!hasServed || declaration === undefined || declaration.deleting) continue;
    const progress = poolProgress(intent, state, name);
    if (progress.kind === "working") return working(`${name}: ${progress.line}`);
  }
  return done("the endpoint answers");
}

/** Whether a deleted pool is gone. */
export function poolRemovalProgress(intent: Intent, state: State | null, name: string): Progress {
  if (intent.pools[name]?.deleting === false) return done("declared again meanwhile");
  if (state?.pools[name] === undefined && state !== null) return done("gone");
  const left = state === null ? 0 : (censusOf(state)[name]?.total ?? 0);
  return working(state === null ? "waiting for the agent" : `draining: ${left} replicas left`);
}

/** Whether the service serves `target`, and if it never will by itself, why. */
export function rolloutProgress(intent: Intent, state: State | null, target: RolloutTarget): Progress {
  const declared = intent.rollout;
  if (declared === null || !sameRevisions(declared.target, target)) {
    return failed("Superseded", "another `pulumi up` declared a newer target meanwhile; its outcome counts");
  }
  if (state === null) return working("waiting for the agent");
  const { rollout } = state;
  const rejection = state.rejected[targetKey(target)];
  // An operator's rollback goes on by itself; whoever declared what it takes away has nothing to wait for.
  if (rollout !== null && rollout.origin.kind === "declared") return underWay(state, rollout);
  if (rollout === null && servesTarget(state, target)) return done(`version ${currentVersion(state) ?? 1} serves`);
  if (rejection !== undefined) {
    return failed(rejection.cause === "timedOut" ? "TimedOut" : "Rejected", ...rejectedReasons(state, rejection));
  }
  return working("waiting for the agent");
}

/** A rollout that nobody can help on but a person is over for whoever waits, and goes on when that person acts. */
function underWay(state: State, rollout: RolloutProgress): Progress {
  const { direction, failed: why, capacity, held } = rollout;
  if (direction.kind === "back") return goingBack(state, rollout, direction);
  if (why !== null) {
    return failed(
      "CanaryFailed",
      `version ${rollout.version} is in trouble and stays where it is, as canaryPercent turns automatic rollback off: ${why}`,
      "run `pulumi-serve rollout rollback`, or change the program (back to what serves, or to what mends it)",
    );
  }
  if (capacity?.starved) {
    return starved(
      state,
      `the rollout to version ${rollout.version}`,
      "run `pulumi up` again to follow it, or change the program back",
    );
  }
  if (held !== null) return done(`version ${rollout.version} is held at ${held.percent} %, as canaryPercent says`);
  return working(describeProgress(state, rollout));
}

/** What it goes back to does not come up, or has no room: what serves in its place goes on, and nobody has to wait for it. */
function goingBack(state: State, rollout: RolloutProgress, { awaits }: Extract<Direction, { kind: "back" }>): Progress {
  const way = `the way back to version ${currentVersion(state) ?? 1}`;
  if (awaits !== undefined) {
    const { failures } = state.pools[awaits.pool]!;
    const why = failures === null ? "they do not start" : failures.reason;
    return failed(
      "ReplicaFailed",
      `${way} waits since ${new Date(awaits.since).toISOString()} for pool "${awaits.pool}", whose replicas do not come up: ${why}; version ${rollout.version} serves in their place`,
      `nothing that serves is ended, and the agent goes on trying: mend what keeps them from starting, or run \`pulumi-serve rollout promote --force\` to go on to version ${rollout.version} after all`,
    );
  }
  if (rollout.capacity?.starved) return starved(state, way, "run `pulumi up` again to follow it");
  return working(describeProgress(state, rollout));
}

function starved({ conditions }: State, what: string, advice: string): Progress {
  const waits = conditions.find(({ kind }) => kind === "noCapacity")?.message ?? "no capacity";
  return failed(
    "CapacityStarved",
    `${what} waits for capacity, for longer than capacityWaitSeconds: ${waits}`,
    `what serves goes on; the agent goes on trying: ${advice}`,
  );
}

/** A rollout that goes forward ends by its own timeouts, which stand still in pauses; the way back has none. */
export function hasOwnClock({ rollout }: State): boolean {
  return rollout !== null && rollout.direction.kind === "forward";
}

/** True when every pool of the target serves exactly its revision, and has its traffic. */
export function servesTarget(state: State, target: RolloutTarget): boolean {
  return Object.entries(target).every(([name, { revision }]) => {
    const pool = state.pools[name];
    return pool?.primary?.revision === revision && pool.takesTraffic;
  });
}

function working(line: string): Progress {
  return { kind: "working", line };
}

function done(line: string): Progress {
  return { kind: "done", line };
}

function failed(code: ErrorCode, ...reasons: [string, ...string[]]): Progress {
  return { kind: "failed", code, reasons };
}
