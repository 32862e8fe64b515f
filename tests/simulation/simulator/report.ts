import Table from "cli-table3";
import type { RunResult } from "./run";

/** What many runs came to; sums only, so that workers' parts can be added. */
export interface Totals {
  scenarios: number;
  rollouts: number;
  outcomes: Record<string, number>;
  happened: Record<string, number>;
  virtualHours: number;
  orphans: number;
  /** The first few broken ones, smallest form. */
  failures: Failure[];
  violations: number;
}

export interface Failure {
  seed: string;
  rule: string;
  text: string;
}

export const NO_TOTALS: Totals = {
  scenarios: 0,
  rollouts: 0,
  outcomes: {},
  happened: {},
  virtualHours: 0,
  orphans: 0,
  failures: [],
  violations: 0,
};

export function totalsOf({ rollouts, outcomes, happened, virtualHours, orphans, violation }: RunResult): Totals {
  const violations = violation === null ? 0 : 1;
  return { scenarios: 1, rollouts, outcomes, happened, virtualHours, orphans, failures: [], violations };
}

export function plus(a: Totals, b: Totals): Totals {
  return {
    scenarios: a.scenarios + b.scenarios,
    rollouts: a.rollouts + b.rollouts,
    outcomes: added(a.outcomes, b.outcomes),
    happened: added(a.happened, b.happened),
    virtualHours: a.virtualHours + b.virtualHours,
    orphans: a.orphans + b.orphans,
    failures: [...a.failures, ...b.failures],
    violations: a.violations + b.violations,
  };
}

/** A broken run as a person needs it: what broke, a scenario to paste into a test, and what went before. */
export function describeFailure({ scenario, violation, tail }: RunResult): Failure {
  const { rule, sentence, at } = violation!;
  const lines = [
    `seed ${scenario.seed}: ${rule} broke at ${(at / 1000).toFixed(1)} s: ${sentence}`,
    `replay: run(${JSON.stringify(scenario)})`,
    ...tail.map((event) => `  ${JSON.stringify(event)}`),
  ];
  return { seed: scenario.seed, rule, text: lines.join("\n") };
}

export function describeTotals(totals: Totals, seconds: number): string {
  const table = new Table({ style: { head: [], border: [] } });
  table.push(
    ["scenarios", totals.scenarios],
    ["rollouts started", totals.rollouts],
    ["ended", listed(totals.outcomes)],
    ["happened", listed(totals.happened)],
    ["virtual hours", totals.virtualHours.toFixed(1)],
    ["violations", totals.violations],
    ["orphans", totals.orphans],
    ["seconds", seconds.toFixed(1)],
  );
  return table.toString();
}

function added(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return Object.fromEntries(keys.map((key) => [key, (a[key] ?? 0) + (b[key] ?? 0)]));
}

function listed(counts: Record<string, number>): string {
  const lines = Object.entries(counts).map(([what, count]) => `${what} ${count}`);
  return lines.length === 0 ? "nothing" : lines.join("\n");
}
