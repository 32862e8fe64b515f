import { sameJson } from "../digest";
import type { Draft } from "../draft";
import type { Goals, PoolGoal } from "../goals";
import type { Observed } from "../observed";
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
  const billed = billedVms(draft);
  const rates: Record<string, Rate> = {};
  for (const name of new Set([...Object.keys(goals.pools), ...billed.keys()])) {
    const zones = billed.get(name) ?? new Map<string, ZoneFleet>();
    rates[name] = rateOf({ zones, wanted: wantedOf(goals.pools[name]), spot: null }, prices);
  }
  return rates;
}

/** By pool and zone. One that is only asked for costs nothing yet; one that drains or ends does until it is gone. */
function billedVms(draft: Draft): Map<string, Map<string, ZoneFleet>> {
  const pools = new Map<string, Map<string, ZoneFleet>>();
  for (const { pool, zone, market, status } of draft.replicas()) {
    if (zone === null || status === "launching") continue;
    let zones = pools.get(pool);
    if (zones === undefined) pools.set(pool, (zones = new Map<string, ZoneFleet>()));
    let counts = zones.get(zone);
    if (counts === undefined) zones.set(zone, (counts = { spot: 0, onDemand: 0, fallback: 0 }));
    counts[market] += 1;
  }
  return pools;
}

function wantedOf(goal: PoolGoal | undefined): number {
  return goal === undefined ? 0 : goal.primary.replicas + goal.canary.replicas;
}
