import type { Intent } from "../core/intent";
import { unchangedVersion } from "../core/plan/unchanged-version";
import { factsOf, type PoolFacts } from "../core/spec/facts";
import type { State } from "../core/state";

/** What of a pool is so, for its outputs. */
export function poolStatus(state: State | null, facts: PoolFacts) {
  const pool = state?.pools[facts.name];
  const replicas = Object.values(state?.replicas ?? {}).filter((replica) => replica.pool === facts.name);
  return {
    servingRevision: pool?.hasServed ? (pool.primary?.revision ?? null) : null,
    targetReplicas: pool?.primary?.replicas ?? facts.replicas,
    readyReplicas: replicas.filter(({ status }) => status === "ready").length,
    status: statusWord(state, facts),
  };
}

function statusWord(state: State | null, facts: PoolFacts): string {
  const pool = state?.pools[facts.name];
  if (state === null || pool === undefined) return "starting";
  if (pool.canary !== null) return "rolling";
  if (pool.failures !== null) return "failing";
  if (!pool.hasServed) return "starting";
  return pool.primary?.revision === facts.revision ? "serving" : "staged";
}

/** A revision that was declared and that nobody will roll out must never be silent; null: there is none. */
export function stagedWarning(intent: Intent | null, state: State | null, pool: string): string | null {
  const declared = intent?.pools[pool]?.declared;
  const { hasServed, primary } = state?.pools[pool] ?? { hasServed: false, primary: null };
  if (declared === undefined || !hasServed || primary?.revision === declared.revision) return null;
  const rollout = intent?.rollout;
  if (rollout?.driving && rollout.target[pool] !== undefined) return null;
  return `Revision ${declared.revision} of pool "${pool}" is staged and no Rollout takes it: ${primary?.revision} goes on serving. Add a serve.Rollout with this pool.`;
}

/** Another template under the version string that serves, or is being rolled out, goes nowhere: said at each preview and `up`. */
export function versionWarning(state: State | null, facts: PoolFacts): string | null {
  const pool = state?.pools[facts.name];
  for (const spec of [pool?.canary, pool?.primary]) {
    const warning = spec ? unchangedVersion(factsOf(spec), facts) : null;
    if (warning !== null) return warning;
  }
  return null;
}
