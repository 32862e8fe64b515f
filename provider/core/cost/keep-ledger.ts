import { sameJson } from "../digest";
import type { Draft } from "../draft";
import type { Goals, PoolGoal } from "../goals";
import type { Observed } from "../observed";
import { mostSpare } from "../spot/spec";
import { enterRates, openLedger } from "./ledger";
import type { Price } from "./price";
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
  const billed = billedVms(draft, goals);
  const rates: Record<string, Rate> = {};
  for (const name of new Set([...Object.keys(goals.pools), ...billed.keys()])) {
    const zones = billed.get(name)?.zones ?? new Map<string, ZoneFleet>();
    // Absent in the states of before there was a spot market.
    const policy = draft.state.pools[name]?.primary?.spot ?? null;
    const spot = policy && { overprovision: mostSpare(policy) };
    rates[name] = rateOf({ zones, wanted: wantedOf(goals.pools[name]), spot }, prices);
  }
  return rates;
}

interface Billed {
  zones: Map<string, ZoneFleet>;
  /** On-demand VMs that are still to be counted as meant to be; those after them stand in for spot. */
  base: number;
}

/** By pool and zone. One that is only asked for costs nothing yet; one that drains or ends does until it is gone. */
function billedVms(draft: Draft, goals: Goals): Map<string, Billed> {
  const pools = new Map<string, Billed>();
  for (const { pool, zone, market, status } of draft.replicas()) {
    if (zone === null || status === "launching") continue;
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
