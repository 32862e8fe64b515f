import type { Draft } from "../draft";
import type { Intent } from "../intent";
import type { Observed } from "../observed";
import type { PoolSpec } from "../spec/pool";
import type { Shape } from "../spec/shape";
import type { PoolState } from "../state";
import { loadNow, noteLoad, NO_LOAD, type Load, type LoadMemory } from "./load";
import { canaryBounds } from "./rollout";
import type { ScalingSpec } from "./spec";
import type { ScaleState } from "./state";
import { STEADY, targetNow } from "./target";

const SIDES = ["primary", "canary"] as const;
const NOTHING_KNOWN: ScaleState = { load: NO_LOAD, trends: { primary: STEADY, canary: STEADY }, last: null };

/**
 * Writes how many replicas each autoscaled pool is to have into the specs that the state holds; never into the intent,
 * and never into their hashes. Everything after it works by these numbers, whoever they come from. In a rollout each
 * version has its own, by its own bounds, as if all the traffic were its.
 */
export function followDemand(draft: Draft, intent: Intent, observed: Observed): void {
  for (const [name, pool] of Object.entries(draft.state.pools)) {
    const window = scalingOf(pool)?.windowSeconds;
    if (window === undefined) {
      if (pool.scale) draft.patchPool(name, { scale: null });
      continue;
    }
    if (intent.service.deleting || (intent.pools[name]?.deleting ?? true)) continue;
    const load = followLoad(draft, name, observed, window);
    // Until its first revision has come up there is nothing to go by but what was declared.
    if (pool.hasServed) for (const side of SIDES) followSide(draft, name, side, load);
  }
}

function scalingOf({ primary, canary }: PoolState): ScalingSpec | null {
  return primary?.scaling ?? canary?.scaling ?? null;
}

/** Null: it cannot be seen. */
function followLoad(draft: Draft, name: string, { dataplane }: Observed, windowSeconds: number): Load | null {
  const pool = draft.pool(name);
  const before = pool.scale ?? NOTHING_KNOWN;
  const seen = dataplane?.pools?.[name];
  const versions = SIDES.some((side) => goesBySlowness(pool[side])) ? dataplane?.versions[name] : undefined;
  const counts = versions === undefined ? null : Object.values(versions);
  const load: LoadMemory =
    seen === undefined
      ? before.load
      : noteLoad(before.load, { pool: seen, versions: counts }, windowSeconds, draft.now);
  if (!pool.scale || load !== before.load) draft.patchPool(name, { scale: { ...before, load } });
  return seen === undefined ? null : loadNow(load, seen, windowSeconds, draft.now);
}

function goesBySlowness(spec: PoolSpec | null): boolean {
  const { targetLatencyP95Ms = null, targetTimeToFirstByteP95Ms = null } = spec?.scaling ?? {};
  return targetLatencyP95Ms !== null || targetTimeToFirstByteP95Ms !== null;
}

function followSide(draft: Draft, name: string, side: "primary" | "canary", load: Load | null): void {
  const { [side]: spec, scale } = draft.pool(name);
  if (!spec?.scaling || !scale) return;
  const { replicas: live, scaling } = spec;
  const floor = floorOf(draft, name, side, scaling);
  const { replicas, trend, reason } = targetNow({
    scaling,
    load,
    live,
    ...(scaling.targetQpsByShape !== undefined && { shapes: shapesThere(draft, name, side) }),
    floor,
    trend: scale.trends[side],
    now: draft.now,
  });
  const last = reason === null || side === "canary" ? scale.last : { from: live, to: replicas, reason, at: draft.now };
  if (trend !== scale.trends[side] || last !== scale.last) {
    draft.patchPool(name, { scale: { ...scale, trends: { ...scale.trends, [side]: trend }, last } });
  }
  if (reason === null) return;
  draft.patchPool(name, { [side]: { ...spec, replicas } });
  draft.say({ kind: "scaled", pool: name, side, from: live, to: replicas, reason });
}

function shapesThere(draft: Draft, name: string, side: "primary" | "canary"): Shape[] {
  return draft.census()[name]![side].alive.map(({ shape = null }) => shape);
}

/** While a rollout moves the pool neither version is without replicas (A12), and what it brings has its initial number. */
function floorOf(draft: Draft, name: string, side: "primary" | "canary", scaling: ScalingSpec): number {
  if (side === "canary") return canaryBounds(scaling).min;
  return draft.state.rollout?.pools.some((pool) => pool.name === name) ? 1 : 0;
}
