import Table from "cli-table3";
import type { RunResult } from "./run";
import type { Scenario, Step } from "./scenario";

/** What many runs came to; sums only, so that workers' parts can be added. */
export interface Totals {
  scenarios: number;
  rollouts: number;
  outcomes: Record<string, number>;
  /** Scenarios, by what is special about their programs. */
  drawn: Record<string, number>;
  happened: Record<string, number>;
  virtualHours: number;
  orphans: number;
  /** Every broken one: its seed, and which rule broke. */
  violations: string[];
  /** The first few of them, in their smallest form. */
  failures: Failure[];
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
  drawn: {},
  happened: {},
  virtualHours: 0,
  orphans: 0,
  violations: [],
  failures: [],
};

export function totalsOf(result: RunResult): Totals {
  const { scenario, rollouts, outcomes, happened, virtualHours, orphans, violation } = result;
  const violations = violation === null ? [] : [`${scenario.seed} ${violation.rule}`];
  const drawn = Object.fromEntries(traitsOf(scenario).map((trait) => [trait, 1]));
  return { scenarios: 1, rollouts, outcomes, drawn, happened, virtualHours, orphans, violations, failures: [] };
}

/** A step by its kind, and by what it does where that makes another fault of it. */
export function nameOf(step: Step): string {
  const name = (...parts: (string | false)[]) => [step.kind, ...parts.filter((part) => part !== false)].join(" ");
  switch (step.kind) {
    case "up":
      return name(step.killAfterMs !== null && "killed");
    case "verb":
      return name(step.verb.kind);
    case "replace":
      return name(step.what);
    case "crash":
      return name(step.when);
    case "notice":
      return name(step.isFollowed ? "and loss" : "without loss");
    case "atRisk":
      return name(step.lostInMs !== null && "and loss");
    case "zone":
      return name(step.market, step.takes === 0 ? "refuses" : step.noticeMs === null ? "takes" : "takes with notice");
    case "refuse":
      return name(step.scope);
    case "network":
      return name(step.how);
    case "store":
      return name(step.how);
    case "clock":
      return name(step.jumpMs < 0 ? "back" : "forward");
    case "dataPlane":
      return name(step.remembers ? "remembers" : "forgets");
    case "demand":
      return name(step.requestsPerSecond === 0 && "zero");
    case "gate":
      return name(step.outcome);
    default:
      return name();
  }
}

function traitsOf({ programs, revisions }: Scenario): string[] {
  const pools = programs.flatMap((program) => program.pools);
  const is = (trait: string, holds: boolean) => (holds ? [trait] : []);
  const isScaled = pools.some(({ scaling }) => scaling);
  const isSpot = pools.some(({ spot }) => spot);
  const strategies = new Set(programs.slice(0, 2).map(({ strategy }) => strategy.kind));
  const starts = new Set(Object.values(revisions).map(({ start }) => start));
  return [
    ...strategies,
    ...is("autoscaled", isScaled),
    ...is("spot", isSpot),
    ...is("autoscaled spot", isScaled && isSpot),
    ...is(
      "capacity weights",
      pools.some(({ capacityWeight = 1 }) => capacityWeight !== 1),
    ),
    ...is("a revision that never gets ready", starts.has("never")),
    ...is("a revision that exits", starts.has("exits")),
    ...is("a new probe path with new code", revisions["a"]!.path !== revisions["b"]?.path),
  ];
}

export function plus(a: Totals, b: Totals): Totals {
  return {
    scenarios: a.scenarios + b.scenarios,
    rollouts: a.rollouts + b.rollouts,
    outcomes: added(a.outcomes, b.outcomes),
    drawn: added(a.drawn, b.drawn),
    happened: added(a.happened, b.happened),
    virtualHours: a.virtualHours + b.virtualHours,
    orphans: a.orphans + b.orphans,
    violations: [...a.violations, ...b.violations],
    failures: [...a.failures, ...b.failures],
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
    ["of scenarios", listed(totals.drawn)],
    ["happened", listed(totals.happened)],
    ["virtual hours", totals.virtualHours.toFixed(1)],
    ["violations", [totals.violations.length, ...totals.violations].join("\n")],
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
