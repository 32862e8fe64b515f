import { meanPrice, pricesForAny, type Price } from "../cost/price";
import type { PoolFacts } from "../spec/facts";
import { stepSeconds } from "./seconds";
import { movingOf, type Start } from "./starts";
import type { PlanState } from "./states";

/** What a rollout means in dollars, by the mean price of the zones. */
export interface PlanCost {
  summary: string;
  /** Per hour in steady state. */
  before: SteadyCost;
  after: SteadyCost;
  /**
   * What it takes above the dearer of the two for as long as the plan estimates: more VMs, and on-demand ones where there
   * is spot before and after, as what a rollout launches is pinned to on-demand.
   */
  rollout: number;
}

export interface SteadyCost {
  spot: number;
  onDemand: number;
}

interface CostRequest {
  starts: readonly Start[];
  /** Empty: nothing moves. */
  states: readonly PlanState[];
  bakeSeconds: number;
  prices: readonly Price[];
}

/** Null: the target has no price for what is declared. */
export function planCost({ starts, states, bakeSeconds, prices }: CostRequest): PlanCost | null {
  const before = steadyCost(
    starts.map(({ from }) => from).filter((from) => from !== null),
    prices,
  );
  const after = steadyCost(
    starts.map(({ pool }) => pool),
    prices,
  );
  const unpriced = starts.some(
    ({ from, pool }) => perHourOf(pool, prices) === null || (from && !perHourOf(from, prices)),
  );
  if (before === null || after === null || unpriced) return null;
  const perHour = (pool: PoolFacts) => perHourOf(pool, prices)!;
  if (starts.every(({ from }) => from === null)) return { summary: steadyWords(after), before, after, rollout: 0 };
  const rollout = round(extraDollars(starts, states, bakeSeconds, perHour), 4);
  const steady = `${steadyWords(before)} before, ${steadyWords(after)} after`;
  const summary = states.length === 0 ? steady : `${steady}; the rollout's extra VMs about $${rollout}`;
  return { summary, before, after, rollout };
}

/** Spare spot replicas are counted, stand-ins for lost ones are not. */
function steadyCost(pools: readonly PoolFacts[], prices: readonly Price[]): SteadyCost | null {
  const cost = { spot: 0, onDemand: 0 };
  for (const pool of pools) {
    const { replicas, markets } = pool;
    const onDemand = base(pool, replicas);
    const vms = { spot: replicas > onDemand ? replicas - onDemand + (markets?.spare ?? 0) : 0, onDemand };
    for (const market of ["spot", "onDemand"] as const) {
      const price = priceOfPool(pool, prices, market);
      if (vms[market] > 0 && price === null) return null;
      cost[market] += vms[market] * (price ?? 0);
    }
  }
  return { spot: round(cost.spot, 2), onDemand: round(cost.onDemand, 2) };
}

/** Of any of the machines that it takes. */
function priceOfPool({ shapes = [] }: PoolFacts, prices: readonly Price[], market: Price["market"]): number | null {
  return meanPrice(pricesForAny(prices, shapes.length === 0 ? [null] : shapes), market);
}

function perHourOf(pool: PoolFacts, prices: readonly Price[]): PerHour | null {
  const onDemand = priceOfPool(pool, prices, "onDemand");
  return onDemand === null ? null : { onDemand, spot: priceOfPool(pool, prices, "spot") ?? onDemand };
}

type PerHour = Record<"spot" | "onDemand", number>;

function extraDollars(
  starts: readonly Start[],
  states: readonly PlanState[],
  bakeSeconds: number,
  perHour: (pool: PoolFacts) => PerHour,
): number {
  if (states.length === 0) return 0;
  const moving = movingOf(starts);
  const pools = moving.map(({ pool }) => pool);
  return stepSeconds(states, pools, bakeSeconds).reduce((sum, { boots, bake }, index) => {
    const extra = moving.reduce((dollars, { from, pool }) => {
      const { canary, primary } = states[index + 1]!.pools[pool.name]!;
      const now =
        rateOf(pinned(pool, canary), canary, perHour(pool)) +
        rateOf(base(from, primary), primary, perHour(from ?? pool));
      const steady = [from, pool].map((each) => {
        const replicas = each?.replicas ?? 0;
        return rateOf(base(each, replicas), replicas, perHour(each ?? pool));
      });
      return dollars + Math.max(0, now - Math.max(...steady));
    }, 0);
    return sum + (extra * (boots + bake)) / 3600;
  }, 0);
}

/** Dollars an hour of so many replicas, of which these are on-demand. */
function rateOf(onDemand: number, replicas: number, perHour: PerHour): number {
  return onDemand * perHour.onDemand + (replicas - onDemand) * perHour.spot;
}

function base(pool: PoolFacts | null, replicas: number): number {
  return Math.min(replicas, pool?.markets?.base ?? replicas);
}

/** Of what a rollout has launched. */
function pinned(pool: PoolFacts, replicas: number): number {
  return pool.markets?.spotOnly ? base(pool, replicas) : replicas;
}

function steadyWords({ spot, onDemand }: SteadyCost): string {
  const total = `$${(spot + onDemand).toFixed(2)}/h`;
  return spot === 0 ? total : `${total} ($${spot.toFixed(2)} spot, $${onDemand.toFixed(2)} on-demand)`;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
