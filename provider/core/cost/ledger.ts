import { NO_DOLLARS, type Dollars, type Rate } from "./rate";
import type { Price } from "./price";

/**
 * What the service has cost. It holds the rate that is in force, so a sum at any later time is known without a write:
 * the state changes only when a rate does, and an agent that was away finds the bill as it went on without it.
 */
export interface Ledger {
  since: number;
  /** The rates are in force, and not yet in the sums, from here on. */
  at: number;
  /** What the cloud said last. */
  prices: Price[];
  /** A pool that is gone keeps its sum. */
  pools: Record<string, Account>;
}

export interface Account {
  rate: Rate;
  /** From `since` to `at`. */
  total: Dollars;
}

const HOUR_MS = 3_600_000;
/** The clock was set back, and not just corrected. */
const SET_BACK_MS = 60_000;

const NO_RATE: Rate = { dollars: NO_DOLLARS, unpriced: 0 };

export function openLedger(now: number, prices: Price[]): Ledger {
  return { since: now, at: now, prices, pools: {} };
}

/** The same ledger under these rates; itself when they are what is in force. Pools without one cost nothing more. */
export function enterRates(ledger: Ledger, rates: Readonly<Record<string, Rate>>, now: number): Ledger {
  const names = new Set([...Object.keys(ledger.pools), ...Object.keys(rates)]);
  const isSame = [...names].every((name) => {
    const account = ledger.pools[name];
    return account !== undefined && sameRate(account.rate, rates[name] ?? NO_RATE);
  });
  // From a future that was none nothing would be counted until it comes.
  if (isSame && ledger.at - now <= SET_BACK_MS) return ledger;
  const pools: Ledger["pools"] = {};
  for (const name of names) {
    const account = ledger.pools[name];
    pools[name] = {
      rate: rates[name] ?? NO_RATE,
      total: account === undefined ? NO_DOLLARS : totalOf(account, ledger.at, now),
    };
  }
  return { ...ledger, at: now, pools };
}

/** What an account has cost up to `now`. Time that ran backwards costs nothing, and gives nothing back. */
export function totalOf({ rate, total }: Account, at: number, now: number): Dollars {
  const hours = Math.max(0, now - at) / HOUR_MS;
  return addDollars(total, scaled(rate.dollars, hours));
}

export function addDollars(a: Dollars, b: Dollars): Dollars {
  return {
    spot: a.spot + b.spot,
    onDemand: a.onDemand + b.onDemand,
    fallback: a.fallback + b.fallback,
    allOnDemand: a.allOnDemand + b.allOnDemand,
  };
}

/** What is paid: `allOnDemand` is only what it is measured against. */
export function paid({ spot, onDemand, fallback }: Dollars): number {
  return spot + onDemand + fallback;
}

function scaled(dollars: Dollars, by: number): Dollars {
  const { spot, onDemand, fallback, allOnDemand } = dollars;
  return { spot: spot * by, onDemand: onDemand * by, fallback: fallback * by, allOnDemand: allOnDemand * by };
}

function sameRate(a: Rate, b: Rate): boolean {
  return (
    a.unpriced === b.unpriced &&
    (Object.keys(NO_DOLLARS) as (keyof Dollars)[]).every((kind) => a.dollars[kind] === b.dollars[kind])
  );
}
