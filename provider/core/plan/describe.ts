import type { PlanState } from "./states";

/** Replicas in steady state, which the counts of a step are shown against. */
export type Sizes = Record<string, { from: number; to: number }>;

/** The plan as a person reads it: one line a step, the start left out. */
export function describeSteps(states: readonly PlanState[], sizes: Sizes): string[] {
  return states.slice(1).map((state, index) => `${index + 1} ${stepWords(state, sizes)}`);
}

/** One state in words and numbers, such as `shift  canary 1/4, primary 4/4, traffic 25 %`. */
export function stepWords(state: PlanState, sizes: Sizes): string {
  const pools = Object.entries(state.pools);
  const counts = pools.map(([name, { canary, primary }]) => {
    const size = sizes[name] ?? { from: primary, to: canary };
    const words = `canary ${canary}/${size.to}, primary ${primary}/${size.from}`;
    return pools.length === 1 ? words : `${name} ${words}`;
  });
  return `${state.kind.padEnd(7)} ${counts.join("; ")}, traffic ${trafficWords(state.weights)}`;
}

/** The canary's share: exact as integers where it is no whole percent. */
function trafficWords({ canary, primary }: PlanState["weights"]): string {
  const percent = (100 * canary) / (canary + primary);
  return Number.isInteger(percent) ? `${percent} %` : `${canary} of ${canary + primary} (${percent.toFixed(1)} %)`;
}

/** The most VMs that exist at once, over all pools. */
export function peakReplicas(states: readonly PlanState[]): number {
  return Math.max(
    ...states.map(({ pools }) => Object.values(pools).reduce((sum, { canary, primary }) => sum + canary + primary, 0)),
  );
}

/** Seconds in words: "8 s", "1 min 20 s", "2 h". */
export function secondsWords(seconds: number): string {
  const whole = Math.ceil(seconds);
  const units: [number, string][] = [
    [Math.floor(whole / 3600), "h"],
    [Math.floor((whole % 3600) / 60), "min"],
    [whole % 60, "s"],
  ];
  const words = units.filter(([amount]) => amount > 0).map(([amount, unit]) => `${amount} ${unit}`);
  return words.length === 0 ? "0 s" : words.slice(0, 2).join(" ");
}
