import { sameJson } from "../digest";
import type { Draft } from "../draft";
import type { Goals, PoolGoal } from "../goals";
import type { Observed } from "../observed";
import { specOf } from "../fleet/restart";
import { shapesOf, type Shape } from "../spec/shape";
import { mostSpare } from "../spot/spec";
import type { Replica } from "../state";
import { enterRates, openLedger } from "./ledger";
import { pricesFor, tellShapesApart, type Price } from "./price";
import { rateOf, type Rate, type ZoneFleet } from "./rate";

/** Notes what the fleet costs from now on. Prices that could not be seen are those of before; without any there is no ledger. */
export function keepLedger(draft: Draft, goals: Goals, { prices }: Observed): void {
  const { ledger: before } = draft.state;
  const known = prices ?? before?.prices ?? [];
  if (before === undefined && known.length === 0) return;
  const ledger = before ?? openLedger(draft.now, known);
  const priced = sameJson(ledger.prices, known) ? ledger : { ...ledger, prices: known };
  draft.state.ledger = enterRates(priced, ratesNow(draft, goals, known), draft.now);
}

function ratesNow(draft: Draft, goals: Goals, prices: readonly Price[]): Record<string, Rate> {
  const byShape = tellShapesApart(prices) ? pricesByShape(draft, prices) : null;
  const billed = billedVms(draft, goals, byShape !== null);
  const rates: Record<string, Rate> = {};
  for (const name of new Set([...Object.keys(goals.pools), ...billed.keys()])) {
    const zones = billed.get(name)?.zones ?? new Map<string, ZoneFleet>();
    // Absent in the states of before there was a spot market.
    const policy = draft.state.pools[name]?.primary?.spot ?? null;
    const spot = policy && { overprovision: mostSpare(policy) };
    rates[name] = rateOf({ zones, wanted: wantedOf(goals.pools[name]), spot }, byShape?.(name) ?? prices);
  }
  return rates;
}

/** What the shapes that a pool takes cost, each under the name of its own place. */
function pricesByShape(draft: Draft, prices: readonly Price[]): (pool: string) => Price[] {
  return (name) => {
    const { primary = null, canary = null } = draft.state.pools[name] ?? {};
    const specs = [primary, canary].filter((spec) => spec !== null);
    const shapes = new Set(specs.flatMap(({ launch }) => shapesOf(launch.resources)));
    return [...shapes].flatMap((shape) =>
      pricesFor(prices, shape).map((price) => ({ ...price, zone: placeOf(price.zone, shape) })),
    );
  };
}

function placeOf(zone: string, shape: Shape): string {
  return shape === null ? zone : `${zone} ${shape}`;
}

/** One whose revision is forgotten is of a shape that nobody knows. */
function shapeOfReplica(draft: Draft, { pool, revision, shape }: Replica): Shape {
  return shape ?? shapesOf(specOf(draft, pool, revision)?.launch.resources ?? {})[0]!;
}

interface Billed {
  zones: Map<string, ZoneFleet>;
  /** On-demand VMs that are still to be counted as meant to be; those after them stand in for spot. */
  base: number;
}

/** By pool and place. One that is only asked for costs nothing yet; one that drains or ends does until it is gone. */
function billedVms(draft: Draft, goals: Goals, byShape: boolean): Map<string, Billed> {
  const pools = new Map<string, Billed>();
  for (const replica of draft.replicas()) {
    const { pool, market, status } = replica;
    if (replica.zone === null || status === "launching") continue;
    const zone = byShape ? placeOf(replica.zone, shapeOfReplica(draft, replica)) : replica.zone;
    let billed = pools.get(pool);
    if (billed === undefined) {
      billed = { zones: new Map<string, ZoneFleet>(), base: baseOf(draft, goals, pool) };
      pools.set(pool, billed);
    }
    let counts = billed.zones.get(zone);
    if (counts === undefined) billed.zones.set(zone, (counts = { spot: 0, onDemand: 0, fallback: 0 }));
    if (market === "spot") counts.spot += 1;
    else if (billed.base > 0) {
      billed.base -= 1;
      counts.onDemand += 1;
    } else counts.fallback += 1;
  }
  return pools;
}

/** In a rollout nobody stands in for anybody: what it launches is pinned to on-demand. */
function baseOf(draft: Draft, goals: Goals, pool: string): number {
  const spot = draft.state.pools[pool]?.primary?.spot;
  return spot && !goals.pools[pool]?.moving ? spot.baseOnDemandReplicas : Number.POSITIVE_INFINITY;
}

function wantedOf(goal: PoolGoal | undefined): number {
  return goal === undefined ? 0 : goal.primary.replicas + goal.canary.replicas;
}
