import type { Draft } from "../draft";
import type { PoolSpec } from "../spec/pool";
import type { KeptVersion, Outcome } from "../state";
import { serviceRevision } from "../target";
import { currentRevision } from "./version";

/** The canary becomes the primary. */
export function promote(draft: Draft): void {
  const rollout = draft.state.rollout!;
  const replaced = servingNow(draft);
  for (const { name } of rollout.pools) {
    const { canary } = draft.pool(name);
    draft.patchPool(name, { primary: canary, canary: null, hasServed: true, takesTraffic: true, failures: null });
  }
  for (const name of Object.keys(rollout.target)) {
    if (draft.state.pools[name]?.takesTraffic === false) draft.patchPool(name, { takesTraffic: true });
  }
  draft.state.adopted = true;
  keep(draft, replaced, rollout.strategy.keepRevisions);
  close(draft, "promoted", null);
}

/** The primary serves alone again. */
export function endRollback(draft: Draft): void {
  const rollout = draft.state.rollout!;
  const { direction } = rollout;
  if (direction.kind !== "back") throw new Error("a rollout that goes forward cannot end as a rollback");
  for (const { name } of rollout.pools) draft.patchPool(name, { canary: null, failures: null });
  if (direction.rejects) {
    const { reason, cause } = direction;
    draft.state.rejected = {
      ...draft.state.rejected,
      [rollout.targetKey]: { reason, cause, at: draft.now, version: rollout.version },
    };
  }
  close(draft, direction.rejects ? "rolledBack" : "superseded", direction.reason);
}

/** The rollout ends where it is; what is left of its canary is no longer wanted. */
export function dropRollout(draft: Draft, reason: string): void {
  for (const { name } of draft.state.rollout!.pools) {
    if (draft.state.pools[name] !== undefined) draft.patchPool(name, { canary: null });
  }
  close(draft, "superseded", reason);
}

function servingNow(draft: Draft): Omit<KeptVersion, "replacedAt"> {
  const pools: Record<string, PoolSpec> = {};
  for (const [name, { primary }] of Object.entries(draft.state.pools)) if (primary !== null) pools[name] = primary;
  const revision = serviceRevision(Object.values(pools));
  return { version: draft.state.versions[revision] ?? 0, serviceRevision: revision, pools };
}

/** Newest first; a version that serves again is not kept as one that served before. */
function keep(draft: Draft, replaced: Omit<KeptVersion, "replacedAt">, most: number): void {
  const serving = currentRevision(draft.state);
  const others = draft.state.history.filter(
    ({ serviceRevision }) => serviceRevision !== replaced.serviceRevision && serviceRevision !== serving,
  );
  draft.state.history = [{ ...replaced, replacedAt: draft.now }, ...others].slice(0, most);
}

function close(draft: Draft, kind: Outcome["kind"], reason: string | null): void {
  const { id, targetKey, version, startedAt, peakReplicas } = draft.state.rollout!;
  draft.state.lastOutcome = {
    rolloutId: id,
    targetKey,
    version,
    kind,
    reason,
    startedAt,
    endedAt: draft.now,
    peakReplicas,
  };
  draft.state.rollout = null;
  const seconds = Math.round((draft.now - startedAt) / 100) / 10;
  draft.say({ kind: "rolloutEnded", rollout: id, outcome: kind, reason, seconds });
}
