import type { SpotBounds } from "../events";
import { violation, type InvariantCheck, type Step } from "./step";
import type { World } from "./world";

/**
 * No launch makes the VMs of a pool, of every kind and phase but those under notice, exceed the rollout's cap. Outside a
 * rollout that is judged where a pool uses spot: its number, its spare VMs, and one VM for each spot VM that is not ready.
 */
export const cap: InvariantCheck = (step) => {
  const { events, after } = step;
  return Object.entries(limits(step)).flatMap(([pool, { most, whose }]) => {
    const launch = events.findLast((event) => event.kind === "replicaLaunching" && event.pool === pool);
    if (launch === undefined) return [];
    const alive = countedOf(after, pool).length;
    if (alive <= most) return [];
    return [violation("cap", launch, `A launch made ${alive} VMs of pool "${pool}"; ${whose} may have ${most}.`)];
  });
};

interface Limit {
  most: number;
  whose: string;
}

function limits(step: Step): Record<string, Limit> {
  const { rollout, markets, removed } = step.after;
  const found: Record<string, Limit> = {};
  for (const [pool, spot] of Object.entries(markets)) {
    if (removed.has(pool)) continue;
    found[pool] = { most: steadyLimit(step, pool, spot), whose: "outside a rollout it" };
  }
  if (rollout === null) return found;
  for (const { name } of rollout.pools) delete found[name];
  for (const [pool, most] of Object.entries(rollout.cap)) found[pool] = { most, whose: `rollout ${rollout.id}` };
  return found;
}

function steadyLimit({ faced, events }: Step, pool: string, { base, spare, most }: SpotBounds): number {
  // What serves may be an older declaration of more replicas, which a rollback has left in force.
  const wanted = Math.max(faced.declared[pool] ?? 0, faced.steady[pool] ?? 0);
  const spot = wanted > base ? wanted - base + spare : 0;
  const isNew = (id: string) => events.some((event) => event.kind === "replicaLaunching" && event.replica === id);
  const there = countedOf(faced, pool).filter(
    ({ id, market, phase }) => market === "spot" && SERVES.has(phase) && !isNew(id),
  );
  const ready = there.filter(({ phase }) => phase === "ready").length;
  return Math.max(wanted, most) + spare + Math.max(0, spot - ready) + Math.max(0, there.length - spot);
}

const SERVES: ReadonlySet<string> = new Set(["launching", "starting", "restarting", "ready", "notReady"]);

function countedOf({ replicas }: World, pool: string) {
  return [...replicas.values()].filter((replica) => replica.pool === pool && !replica.noticed);
}
