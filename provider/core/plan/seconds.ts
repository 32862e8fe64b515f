import type { PoolFacts } from "../spec/facts";
import type { PlanState } from "./states";

/** From one state of a plan to the next. Replicas of one step boot side by side, and so do drains. */
interface StepSeconds {
  boots: number;
  bake: number;
  drains: number;
}

/** For each state but the first, how long it takes to get there and to stay there. */
export function stepSeconds(
  states: readonly PlanState[],
  pools: readonly PoolFacts[],
  bakeSeconds: number,
): StepSeconds[] {
  return states.slice(1).map((state, index) => {
    const previous = states[index]!;
    const changed = ({ name }: PoolFacts) => {
      const [before, now] = [previous.pools[name]!, state.pools[name]!];
      return [now.canary - before.canary, now.primary - before.primary];
    };
    const grown = pools.filter((pool) => changed(pool).some((more) => more > 0));
    const shrunk = pools.filter((pool) => changed(pool).some((more) => more < 0));
    return {
      boots: Math.max(0, ...grown.map(secondsToReady)),
      bake: state.settled ? bakeSeconds : 0,
      drains: Math.max(0, ...shrunk.map((pool) => pool.drainSeconds)),
    };
  });
}

export function secondsToReady({ bootSeconds, minReadySeconds }: PoolFacts): number {
  return bootSeconds + minReadySeconds;
}
