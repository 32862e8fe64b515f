import type { Policy } from "./policy";
import { SpotWorld, type Prices } from "./spot-world";
import type { TraceSet } from "./trace-set";

export interface Run {
  policy: string;
  /** Share of the time with enough replicas ready, 0 to 1. */
  availability: number;
  /** How often there were too few ready, the first start included. */
  gaps: number;
  /** How long that lasted each time, on average. */
  meanGapSeconds: number;
  dollars: number;
  /** Of it: what stood in for spot. */
  fallbackDollars: number;
  launches: SpotWorld["launches"];
  losses: number;
  samples: Sample[];
}

export interface Sample {
  at: number;
  readySpot: number;
  readyOnDemand: number;
  wanted: number;
}

export interface Setting {
  traces: TraceSet;
  wanted: readonly number[];
  prices: Prices;
  coldStartSeconds: number;
}

/** Longest time between two looks of a policy at an unchanged world. */
const LOOK_EVERY_MS = 60_000;

export function run(policy: Policy, { traces, wanted, prices, coldStartSeconds }: Setting): Run {
  const world = new SpotWorld(traces, coldStartSeconds * 1000);
  const gap = traces.gapSeconds * 1000;
  const end = traces.ticks * gap;
  const samples: Sample[] = [];
  let [enough, dollars, fallbackDollars, gaps] = [0, 0, 0, 0];
  let isEnough = true;
  let lost = world.advance(0);
  while (world.now < end) {
    const target = wanted[Math.floor(world.now / gap)]!;
    policy.act(world, target, lost);
    let [readySpot, readyOnDemand, rate, fallbackRate] = [0, 0, 0, 0];
    for (const { market, status, fallback } of world.vms) {
      rate += prices[market];
      if (fallback) fallbackRate += prices[market];
      if (status !== "ready") continue;
      if (market === "spot") readySpot += 1;
      else readyOnDemand += 1;
    }
    const from = world.now;
    const to = Math.min(end, world.nextEvent(), from + LOOK_EVERY_MS);
    const wasEnough = isEnough;
    isEnough = readySpot + readyOnDemand >= target;
    if (isEnough) enough += to - from;
    else if (wasEnough) gaps += 1;
    dollars += (rate * (to - from)) / 3_600_000;
    fallbackDollars += (fallbackRate * (to - from)) / 3_600_000;
    const last = samples.at(-1);
    if (last?.readySpot !== readySpot || last.readyOnDemand !== readyOnDemand || last.wanted !== target) {
      samples.push({ at: from, readySpot, readyOnDemand, wanted: target });
    }
    lost = world.advance(to);
  }
  const { launches, losses } = world;
  const meanGapSeconds = gaps === 0 ? 0 : (end - enough) / gaps / 1000;
  const availability = enough / end;
  return {
    policy: policy.name,
    availability,
    gaps,
    meanGapSeconds,
    dollars,
    fallbackDollars,
    launches,
    losses,
    samples,
  };
}
