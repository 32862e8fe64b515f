import { meanPrice, type Price } from "../cost/price";
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
  /** Of the VMs that exist only while it goes on, for as long as the plan estimates, on demand. */
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
  const onDemand = meanPrice(prices, "onDemand");
  if (before === null || after === null || onDemand === null) return null;
  if (starts.every(({ from }) => from === null)) return { summary: steadyWords(after), before, after, rollout: 0 };
  const rollout = round((onDemand * extraSeconds(starts, states, bakeSeconds)) / 3600, 4);
  const steady = `${steadyWords(before)} before, ${steadyWords(after)} after`;
  const summary = states.length === 0 ? steady : `${steady}; the rollout's extra VMs about $${rollout}`;
  return { summary, before, after, rollout };
}

/** Spare spot replicas are counted, stand-ins for lost ones are not. */
function steadyCost(pools: readonly PoolFacts[], prices: readonly Price[]): SteadyCost | null {
  let [spot, onDemand] = [0, 0];
  for (const { replicas, markets } of pools) {
    const base = markets === undefined ? replicas : Math.min(markets.base, replicas);
    onDemand += base;
    if (markets !== undefined && replicas > base) spot += replicas - base + markets.spare;
  }
  const [spotPrice, onDemandPrice] = [meanPrice(prices, "spot"), meanPrice(prices, "onDemand")];
  if ((spot > 0 && spotPrice === null) || (onDemand > 0 && onDemandPrice === null)) return null;
  return { spot: round(spot * (spotPrice ?? 0), 2), onDemand: round(onDemand * (onDemandPrice ?? 0), 2) };
}

/** VM-seconds above the larger of the two steady states. */
function extraSeconds(starts: readonly Start[], states: readonly PlanState[], bakeSeconds: number): number {
  if (states.length === 0) return 0;
  const moving = movingOf(starts);
  const pools = moving.map(({ pool }) => pool);
  return stepSeconds(states, pools, bakeSeconds).reduce((sum, { boots, bake }, index) => {
    const extra = moving.reduce((vms, { from, pool }) => {
      const { canary, primary } = states[index + 1]!.pools[pool.name]!;
      return vms + Math.max(0, canary + primary - Math.max(from?.replicas ?? 0, pool.replicas));
    }, 0);
    return sum + extra * (boots + bake);
  }, 0);
}

function steadyWords({ spot, onDemand }: SteadyCost): string {
  const total = `$${(spot + onDemand).toFixed(2)}/h`;
  return spot === 0 ? total : `${total} ($${spot.toFixed(2)} spot, $${onDemand.toFixed(2)} on-demand)`;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
