import { InvalidArgumentError, type Command } from "commander";
import { ServeError, sentenceOf } from "../../core/errors";
import { planPath } from "../../core/plan/path";
import type { PlannedPool, Path } from "../../core/plan/states";
import { toldOf } from "../../core/plan/surge-plan";
import { isWeighted, unitsOf, weighed } from "../../core/plan/units";
import { capacityWeight } from "../../core/spec/capacity-input";
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
  capacityWeight: Weighed[];
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
    .option(
      "--capacity-weight <name=from:to>",
      "what a replica of a pool carries before and after, against one of weight 1; may be repeated",
      weighedPool,
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
      const pools = poolsOf(options);
      const { strategy, path } = planned(pools, options);
      const told = strategy.kind === "surge" ? toldOf(path) : path;
      terminal.out(`${options.json ? JSON.stringify(told, null, 2) : planText(path, pools)}\n`);
    });
}

function poolsOf({ replicas, pool, capacityWeight }: PlanOptions): PlannedPool[] {
  const pools = replicas === undefined ? pool : [{ name: "pool", from: replicas, to: replicas }, ...pool];
  if (pools.length === 0) throw refusal("Say how many replicas roll: --replicas 4, or --pool name=4:4.");
  const unknown = capacityWeight.find(({ name }) => pools.every((each) => each.name !== name));
  if (unknown !== undefined) throw refusal(`--capacity-weight: there is no --pool "${unknown.name}".`);
  return pools.map((each) => ({ ...each, ...capacityWeight.findLast(({ name }) => name === each.name)?.weights }));
}

function planned(pools: PlannedPool[], { strategy: kind, ...rest }: PlanOptions): Planned {
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

function planText({ cap, floor, states }: Path, planned: readonly PlannedPool[]): string {
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
  const least =
    floor === null
      ? ""
      : ` ${planned.some(isWeighted) ? "Least units of capacity" : "Fewest"} of both versions: ${perPool(floor)}.`;
  return `${table(head, rows)}\n\nTraffic and replicas are canary : primary. Most VMs at once: ${perPool(cap)}.${least}${weightsText(planned)}`;
}

function weightsText(pools: readonly PlannedPool[]): string {
  const told = pools.flatMap((pool) => {
    if (!pool.weights) return [];
    const { canary, primary } = unitsOf(pool);
    const scale = isWeighted(pool) ? ` (${primary} and ${canary} units of capacity a replica)` : "";
    return [`${pool.name} ${pool.weights.from / 100} -> ${pool.weights.to / 100}${scale}`];
  });
  return told.length === 0 ? "" : `\nCapacity weights: ${told.join(", ")}.`;
}

function plannedPool(text: string, earlier: PlannedPool[]): PlannedPool[] {
  const [, name, from, to] = /^(.+)=(\d+):(\d+)$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("It must look like chat=4:6.");
  return [...earlier, { name, from: Number(from), to: Number(to) }];
}

interface Weighed {
  name: string;
  weights: Pick<PlannedPool, "weights">;
}

function weighedPool(text: string, earlier: Weighed[]): Weighed[] {
  const [, name, ...given] = /^(.+)=([\d.]+):([\d.]+)$/.exec(text) ?? [];
  const [from, to] = given.map((each) => capacityWeight.safeParse(Number(each)));
  if (name === undefined) throw new InvalidArgumentError("It must look like chat=1:2.");
  if (!from?.success || !to?.success)
    throw new InvalidArgumentError("Each must be from 0.01 to 100, with at most two decimals.");
  return [...earlier, { name, weights: weighed(from.data, to.data) }];
}
