import type { Draft } from "../draft";
import type { Intent, RolloutIntent, RolloutTarget } from "../intent";
import { spotBounds } from "../fleet/pools";
import { maxShiftPercent, planPath } from "../plan/path";
import { weighed } from "../plan/units";
import { sizedLike, wakeForRollout } from "../scale/rollout";
import type { PoolSpec } from "../spec/pool";
import type { RolloutProgress } from "../state";
import type { Strategy } from "../strategy";
import { serviceRevision, targetKey } from "../target";
import { RUNNING } from "./clock";
import { canaryPercentOf } from "./hold";
import { broughtBack, keptBefore, unproved } from "./kept";
import { tryNewcomersAgain } from "./newcomers";
import { assignVersion, currentRevision } from "./version";
import { waitsOf } from "./waits";

/** Adopts what serves, or starts the rollout to what is staged. Nothing happens to a target that was rejected. */
export function beginRollout(draft: Draft, intent: Intent, { target, strategy }: RolloutIntent): void {
  const named = Object.keys(target).filter((name) => draft.state.pools[name] !== undefined);
  // The pools are declared before the Rollout; until all of them are as the target says, there is nothing to start.
  const declared = Object.entries(target).every(
    ([name, { revision }]) => intent.pools[name]?.declared.revision === revision && named.includes(name),
  );
  if (!declared) return;

  // One that is being deleted has nowhere to go: a rollout for it would be dropped, and begun again, in every tick.
  const staying = named.filter((name) => !intent.pools[name]!.deleting);
  const changed = staying.filter((name) => draft.pool(name).primary?.revision !== target[name]!.revision);
  if (changed.length === 0) {
    adopt(draft, named);
    return;
  }
  if (draft.state.rejected[targetKey(target)] !== undefined) return;
  if (changed.some((name) => !draft.pool(name).hasServed)) return;
  const specs = changed.map((name) => intent.pools[name]!.declared);
  const serving = Object.values(draft.state.pools).flatMap(({ primary }) => primary ?? []);
  const others = serving.filter(({ name }) => !changed.includes(name));
  const bringsBack = broughtBack(keptBefore(draft.state), [...others, ...specs]);
  launchRollout(draft, {
    target,
    specs,
    declared: target,
    strategy: bringsBack === null ? strategy : unproved(strategy),
    origin: { kind: "declared" },
    bringsBack,
  });
}

export interface NewRollout {
  target: RolloutTarget;
  /** Of the pools that change, all of which have served. */
  specs: readonly PoolSpec[];
  declared: RolloutTarget;
  strategy: Strategy;
  origin: RolloutProgress["origin"];
  /** Null: the version is new, or was taken back once. */
  bringsBack: number | null;
}

export function launchRollout(draft: Draft, rolled: NewRollout): void {
  const { target, specs, declared, strategy, origin, bringsBack } = rolled;
  const from = currentRevision(draft.state);
  if (from !== null) assignVersion(draft, from);
  for (const spec of specs) {
    wakeForRollout(draft, spec.name);
    const canary = sizedLike(draft.pool(spec.name).primary!, spec);
    draft.patchPool(spec.name, { canary, failures: null });
  }
  tryNewcomersAgain(draft, target);
  const pools = specs.map(({ name }) => {
    const { primary, canary } = draft.pool(name);
    const weights = weighed(primary!.capacityWeight, canary!.capacityWeight);
    return { name, from: primary!.replicas, to: canary!.replicas, ...weights };
  });
  const { cap, floor, states } = planPath(strategy, pools);
  const next = Object.values(draft.state.pools).flatMap((pool) => pool.canary ?? pool.primary ?? []);
  const id = draft.state.nextRollout;
  draft.state.nextRollout = id + 1;
  const rollout: RolloutProgress = {
    id,
    targetKey: targetKey(target),
    version: assignVersion(draft, serviceRevision(next)),
    target,
    declared,
    declaredPercent: canaryPercentOf(strategy),
    origin,
    ...(bringsBack !== null && { bringsBack }),
    strategy,
    startedAt: draft.now,
    pools,
    cap,
    floor,
    growing: "canary",
    plan: states,
    cursor: 0,
    cursorSince: draft.now,
    settledAt: null,
    stopped: RUNNING,
    seenAt: draft.now,
    held: null,
    paused: null,
    waved: null,
    capacity: null,
    failed: null,
    gate: null,
    direction: { kind: "forward" },
    peakReplicas: 0,
  };
  draft.state.rollout = rollout;
  draft.say({
    kind: "rolloutStarted",
    rollout: id,
    targetKey: rollout.targetKey,
    version: rollout.version,
    pools,
    cap,
    strategy: strategy.kind,
    maxShiftPercent: maxShiftPercent(strategy),
    floor,
    origin: origin.kind,
    revisions: Object.fromEntries(
      specs.map(({ name, revision }) => [name, { from: draft.pool(name).primary?.revision ?? null, to: revision }]),
    ),
    waits: waitsOf(strategy),
    configs: Object.fromEntries(specs.map(({ name, userConfig }) => [name, userConfig?.hash ?? null])),
    markets: Object.fromEntries(specs.map((spec) => [spec.name, spotBounds(spec)])),
  });
}

function adopt(draft: Draft, pools: string[]): void {
  draft.state.adopted = true;
  for (const name of pools) if (!draft.pool(name).takesTraffic) draft.patchPool(name, { takesTraffic: true });
  const revision = currentRevision(draft.state);
  if (revision !== null) assignVersion(draft, revision);
}
