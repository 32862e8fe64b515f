import { InvalidArgumentError, type Command } from "commander";
import { ServeError, sentenceOf } from "../../core/errors";
import { planSurge } from "../../core/plan/surge";
import type { PlannedPool, Path } from "../../core/plan/states";
import type { Terminal } from "../terminal";
import { table } from "../view/table";

interface PlanOptions {
  replicas?: number;
  pool: PlannedPool[];
  maxSurgePercent: number;
  json?: true;
}

export function addPlanCommand(program: Command, terminal: Terminal): void {
  program
    .command("plan")
    .description("Every state that a rollout visits, in order, without touching anything.")
    .option("--replicas <n>", "one pool of this many replicas, before and after", wholeNumber)
    .option(
      "--pool <name=from:to>",
      "a pool by name, with its replicas before and after; may be repeated",
      plannedPool,
      [],
    )
    .option("--max-surge-percent <percent>", "VMs above the steady state, 1 to 100", wholeNumber, 25)
    .option("--json", "print { cap, states }")
    .action((options: PlanOptions) => {
      const plan = planned(options);
      terminal.out(`${options.json ? JSON.stringify(plan, null, 2) : planText(plan)}\n`);
    });
}

function planned({ replicas, pool, maxSurgePercent }: PlanOptions): Path {
  const pools = replicas === undefined ? pool : [{ name: "pool", from: replicas, to: replicas }, ...pool];
  if (pools.length === 0) throw refusal("Say how many replicas roll: --replicas 4, or --pool name=4:4.");
  try {
    return planSurge({ pools, maxSurgePercent });
  } catch (error) {
    throw refusal(`${sentenceOf(error)}.`);
  }
}

function refusal(sentence: string): ServeError {
  return new ServeError({ code: "InvalidInput", scope: "input", reasons: [sentence] });
}

function planText({ cap, states }: Path): string {
  const pools = Object.keys(cap);
  const head = ["STEP", "KIND", "PERCENT", "TRAFFIC", ...pools.map((pool) => pool.toUpperCase()), "VMS"];
  const rows = states.map(({ kind, percent, weights, pools: counts }, index) => [
    String(index),
    kind,
    String(percent),
    `${weights.canary}:${weights.primary}`,
    ...pools.map((pool) => `${counts[pool]!.canary}+${counts[pool]!.primary}`),
    String(pools.reduce((sum, pool) => sum + counts[pool]!.canary + counts[pool]!.primary, 0)),
  ]);
  const caps = pools.map((pool) => `${pool} ${cap[pool]}`).join(", ");
  return `${table(head, rows)}\n\nTraffic and replicas are canary : primary. Most VMs at once: ${caps}.`;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

function plannedPool(text: string, earlier: PlannedPool[]): PlannedPool[] {
  const [, name, from, to] = /^(.+)=(\d+):(\d+)$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("It must look like chat=4:6.");
  return [...earlier, { name, from: Number(from), to: Number(to) }];
}
