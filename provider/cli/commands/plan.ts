import { InvalidArgumentError, type Command } from "commander";
import { ServeError, sentenceOf } from "../../core/errors";
import { planPath } from "../../core/plan/path";
import type { PlannedPool, Path } from "../../core/plan/states";
import { toldOf } from "../../core/plan/surge-plan";
import { parse } from "../../core/spec/check-result";
import { strategyInput } from "../../core/spec/strategy-input";
import { strategyOf } from "../../core/spec/strategy-of";
import type { Strategy } from "../../core/strategy";
import type { Terminal } from "../terminal";
import { table } from "../view/table";
import { wholeNumber } from "../whole-number";

interface PlanOptions {
  replicas?: number;
  pool: PlannedPool[];
  strategy: string;
  maxSurgePercent?: number;
  canaryPercent?: number;
  maxUnavailablePercent?: number;
  order?: string;
  allowOutage?: true;
  json?: true;
}

interface Planned {
  strategy: Strategy;
  path: Path;
}

export function addPlanCommand(program: Command, terminal: Terminal): void {
  program
    .command("plan")
    .description("Every state that a rollout visits, in order, without touching anything.")
    .option("--replicas <n>", "one pool of this many replicas, before and after", wholeNumber())
    .option(
      "--pool <name=from:to>",
      "a pool by name, with its replicas before and after; may be repeated",
      plannedPool,
      [],
    )
    .option("--strategy <kind>", "surge, blueGreen, rolling or inPlace", "surge")
    .option("--max-surge-percent <percent>", "surge: VMs above the steady state, 1 to 100 (default: 25)", wholeNumber())
    .option("--canary-percent <percent>", "surge: hold at this share of the traffic, 0 to 100", wholeNumber())
    .option(
      "--max-unavailable-percent <percent>",
      "rolling, inPlace: replicas that may be down at once, 1 to 100 (default: 20)",
      wholeNumber(),
    )
    .option("--order <order>", "rolling: stopFirst (default) or startFirst")
    .option("--allow-outage", "rolling, inPlace: the only replica of a pool may end before its successor serves")
    .option("--json", "print { cap, states } of a surge, { cap, floor, states } of any other strategy")
    .action((options: PlanOptions) => {
      const { strategy, path } = planned(options);
      const told = strategy.kind === "surge" ? toldOf(path) : path;
      terminal.out(`${options.json ? JSON.stringify(told, null, 2) : planText(path)}\n`);
    });
}

function planned({ replicas, pool, strategy: kind, ...rest }: PlanOptions): Planned {
  const pools = replicas === undefined ? pool : [{ name: "pool", from: replicas, to: replicas }, ...pool];
  if (pools.length === 0) throw refusal("Say how many replicas roll: --replicas 4, or --pool name=4:4.");
  const { maxSurgePercent, canaryPercent, maxUnavailablePercent, order, allowOutage } = rest;
  const given = { kind, maxSurgePercent, canaryPercent, maxUnavailablePercent, order, allowOutage };
  const parsed = parse(strategyInput, given);
  if (!parsed.ok) throw refusal(`${parsed.failures.map(({ reason }) => reason).join("; ")}.`);
  const strategy = strategyOf(parsed.value);
  try {
    return { strategy, path: planPath(strategy, pools) };
  } catch (error) {
    throw refusal(`${sentenceOf(error)}.`);
  }
}

function refusal(sentence: string): ServeError {
  return new ServeError({ code: "InvalidInput", scope: "input", reasons: [sentence] });
}

function planText({ cap, floor, states }: Path): string {
  const pools = Object.keys(cap);
  const head = ["STEP", "KIND", "PERCENT", "TRAFFIC", ...pools.map((pool) => pool.toUpperCase()), "VMS", "WAITS"];
  const rows = states.map(({ kind, percent, weights, pools: counts, settled }, index) => [
    String(index),
    kind,
    String(percent),
    `${weights.canary}:${weights.primary}`,
    ...pools.map((pool) => `${counts[pool]!.canary}+${counts[pool]!.primary}`),
    String(pools.reduce((sum, pool) => sum + counts[pool]!.canary + counts[pool]!.primary, 0)),
    settled ? "yes" : "",
  ]);
  const perPool = (numbers: Record<string, number>) => pools.map((pool) => `${pool} ${numbers[pool]}`).join(", ");
  const least = floor === null ? "" : ` Fewest of both versions: ${perPool(floor)}.`;
  return `${table(head, rows)}\n\nTraffic and replicas are canary : primary. Most VMs at once: ${perPool(cap)}.${least}`;
}

function plannedPool(text: string, earlier: PlannedPool[]): PlannedPool[] {
  const [, name, from, to] = /^(.+)=(\d+):(\d+)$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("It must look like chat=4:6.");
  return [...earlier, { name, from: Number(from), to: Number(to) }];
}
