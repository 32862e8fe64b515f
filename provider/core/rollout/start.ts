import type { Draft } from "../draft";
import type { Intent, RolloutIntent } from "../intent";
import { planSurge } from "../plan/surge";
import { serviceRevision, targetKey } from "../target";
import { assignVersion, currentRevision } from "./version";

/** Adopts what serves, or starts the rollout to what is staged. Nothing happens to a target that was rejected. */
export function beginRollout(draft: Draft, intent: Intent, { target, strategy }: RolloutIntent): void {
  const named = Object.keys(target).filter((name) => draft.state.pools[name] !== undefined);
  // The pools are declared before the Rollout; until all of them are as the target says, there is nothing to start.
  const declared = Object.entries(target).every(
    ([name, { revision }]) => intent.pools[name]?.declared.revision === revision && named.includes(name),
  );
  if (!declared) return;

  const changed = named.filter((name) => draft.pool(name).primary?.revision !== target[name]!.revision);
  if (changed.length === 0) {
    adopt(draft, named);
    return;
  }
  const key = targetKey(target);
  if (draft.state.rejected[key] !== undefined) return;
  if (changed.some((name) => !draft.pool(name).hasServed)) return;

  const from = currentRevision(draft.state);
  if (from !== null) assignVersion(draft, from);
  for (const name of changed) draft.patchPool(name, { canary: intent.pools[name]!.declared, failures: null });
  const pools = changed.map((name) => {
    const { primary, canary } = draft.pool(name);
    return { name, from: primary!.replicas, to: canary!.replicas };
  });
  if (strategy.kind !== "surge") throw new Error(`${strategy.kind} has no planner`);
  const plan = planSurge({ pools, maxSurgePercent: strategy.maxSurgePercent });
  const next = Object.values(draft.state.pools).flatMap((pool) => pool.canary ?? pool.primary ?? []);
  const version = assignVersion(draft, serviceRevision(next));
  const id = draft.state.nextRollout;
  draft.state.nextRollout = id + 1;
  draft.state.rollout = {
    id,
    targetKey: key,
    version,
    target,
    declaredKey: key,
    origin: { kind: "declared" },
    strategy,
    startedAt: draft.now,
    pools,
    cap: plan.cap,
    floor: plan.floor,
    plan: plan.states,
    cursor: 0,
    cursorSince: draft.now,
    settledAt: null,
    stopped: { totalMs: 0, stepMs: 0, since: null },
    held: null,
    paused: null,
    waved: null,
    failed: null,
    gate: null,
    direction: { kind: "forward" },
    peakReplicas: 0,
  };
  draft.say({
    kind: "rolloutStarted",
    rollout: id,
    targetKey: key,
    version,
    pools,
    cap: plan.cap,
    strategy: strategy.kind,
    maxShiftPercent: strategy.maxSurgePercent,
    floor: plan.floor,
    origin: "declared",
    revisions: Object.fromEntries(
      changed.map((name) => {
        const { primary, canary } = draft.pool(name);
        return [name, { from: primary?.revision ?? null, to: canary?.revision ?? null }];
      }),
    ),
  });
}

function adopt(draft: Draft, pools: string[]): void {
  draft.state.adopted = true;
  for (const name of pools) if (!draft.pool(name).takesTraffic) draft.patchPool(name, { takesTraffic: true });
  const revision = currentRevision(draft.state);
  if (revision !== null) assignVersion(draft, revision);
}
