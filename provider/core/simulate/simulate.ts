import { omniscientCost } from "./omniscient";
import type { Policy } from "./policy";
import { run, type Run, type Setting } from "./run";

export interface Simulation {
  hours: number;
  zones: string[];
  /** Cost of the same replicas, all of them on-demand. */
  onDemandDollars: number;
  /** The least that having every wanted replica ready can cost, with the whole trace known. */
  omniscientDollars: number;
  runs: Run[];
}

/** Runs every policy on the same traces, in virtual time. */
export function simulate(setting: Setting, policies: readonly Policy[]): Simulation {
  const { traces, wanted, prices } = setting;
  const tickHours = traces.gapSeconds / 3600;
  return {
    hours: traces.ticks * tickHours,
    zones: traces.zones.map(({ zone }) => zone),
    onDemandDollars: wanted.reduce((sum, replicas) => sum + replicas, 0) * tickHours * prices.onDemand,
    omniscientDollars: omniscientCost(setting),
    runs: policies.map((policy) => run(policy, setting)),
  };
}
