import { addDollars, paid, totalOf, type Account, type Ledger } from "../../core/cost/ledger";
import { NO_DOLLARS, type Dollars } from "../../core/cost/rate";
import type { Price } from "../../core/cost/price";
import { duration } from "./duration";
import { table } from "./table";

/** What `pulumi-serve cost --json` prints of one service; all in dollars. */
export interface CostView {
  /** Milliseconds since 1970. */
  since: number;
  seconds: number;
  pools: Record<string, PoolCostView>;
  total: PoolCostView;
  /** As the cloud said last. */
  prices: Price[];
}

export interface PoolCostView {
  perHour: SumView;
  sinceStart: SumView;
  /** VMs whose price is not known: they are in no sum. */
  unpriced: number;
}

export interface SumView extends Dollars {
  /** Spot, on-demand and fallback together. */
  paid: number;
  /** Against all on-demand; null: nothing to compare with. */
  savedPercent: number | null;
}

export function costView({ since, at, prices, pools }: Ledger, now: number): CostView {
  const sums = Object.values(pools).map((account) => totalOf(account, at, now));
  const rates = Object.values(pools).map(({ rate }) => rate);
  return {
    since,
    seconds: Math.max(0, Math.floor((now - since) / 1000)),
    pools: Object.fromEntries(Object.entries(pools).map(([name, account]) => [name, poolView(account, at, now)])),
    total: {
      perHour: sumView(rates.map(({ dollars }) => dollars).reduce(addDollars, NO_DOLLARS)),
      sinceStart: sumView(sums.reduce(addDollars, NO_DOLLARS)),
      unpriced: rates.reduce((sum, { unpriced }) => sum + unpriced, 0),
    },
    prices,
  };
}

export function costText({ since, seconds, pools, total }: CostView): string {
  const head = ["POOL", "NOW $/H", "SPOT $", "ON_DEMAND $", "FALLBACK $", "SUM $", "ALL_ON_DEMAND $", "SAVED"];
  const rows = [...Object.entries(pools), ["total", total] as const].map(([name, { perHour, sinceStart }]) => [
    name,
    money(perHour.paid),
    money(sinceStart.spot),
    money(sinceStart.onDemand),
    money(sinceStart.fallback),
    money(sinceStart.paid),
    money(sinceStart.allOnDemand),
    sinceStart.savedPercent === null ? "-" : `${sinceStart.savedPercent.toFixed(1)} %`,
  ]);
  const unpriced = total.unpriced === 0 ? [] : [`${total.unpriced} VMs have no known price: they are not in the sums.`];
  return [`Since ${new Date(since).toISOString()} (${duration(seconds)})`, table(head, rows), ...unpriced].join("\n");
}

/** Cents, and more digits where a cent is too coarse. */
export function money(dollars: number): string {
  return dollars.toFixed(dollars > 0 && dollars < 1 ? 4 : 2);
}

function poolView(account: Account, at: number, now: number): PoolCostView {
  const { dollars, unpriced } = account.rate;
  return { perHour: sumView(dollars), sinceStart: sumView(totalOf(account, at, now)), unpriced };
}

function sumView(dollars: Dollars): SumView {
  const sum = paid(dollars);
  const { allOnDemand } = dollars;
  return { ...dollars, paid: sum, savedPercent: allOnDemand > 0 ? (100 * (allOnDemand - sum)) / allOnDemand : null };
}
