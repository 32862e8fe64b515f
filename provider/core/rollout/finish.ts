import type { Draft } from "../draft";
import type { PoolSpec } from "../spec/pool";
import type { KeptVersion, Outcome } from "../state";
import { serviceRevision, targetKey } from "../target";
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
  const { reason, cause } = direction;
  if (rollout.origin.kind === "operator" && cause === "operator") {
    // Taken back by whom it came from: what the program declares serves on, and nothing is held against either.
    const { [targetKey(rollout.declared)]: _taken, ...others } = draft.state.rejected;
    draft.state.rejected = others;
  } else if (direction.rejects) {
    const rejection = { reason, cause, at: draft.now, version: rollout.version };
    draft.state.rejected = { ...draft.state.rejected, [rollout.targetKey]: rejection };
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

/** The pool is being deleted: nothing of it is moved any more. The others go on, as their canaries carry traffic. */
export function leaveOut(draft: Draft, gone: readonly string[]): void {
  const rollout = draft.state.rollout!;
  const pools = rollout.pools.filter(({ name }) => !gone.includes(name));
  const reason = `of pools that are being deleted: ${gone.join(", ")}`;
  if (pools.length === 0) return dropRollout(draft, reason);
  for (const name of gone) if (draft.state.pools[name] !== undefined) draft.patchPool(name, { canary: null });
  // One that is declared again before this is over is a pool of its own, and no limit of the rollout's is meant for it.
  const staying = <T>(of: Record<string, T>) =>
    Object.fromEntries(Object.entries(of).filter(([name]) => !gone.includes(name)));
  const { growing } = rollout;
  const [cap, floor] = [staying(rollout.cap), rollout.floor && staying(rollout.floor)];
  draft.state.rollout = { ...rollout, pools, cap, floor };
  draft.say({ kind: "rolloutReplanned", rollout: rollout.id, reason, pools, cap, floor, growing });
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
