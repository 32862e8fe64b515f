import * as fs from "node:fs/promises";
import * as path from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { z } from "zod";
import { ServeError, sentenceOf } from "../../core/errors";
import { frontier } from "../../core/simulate/frontier";
import { ownPolicy } from "../../core/simulate/own-policy";
import type { Policy } from "../../core/simulate/policy";
import { evenSpread, roundRobin, spotHedge } from "../../core/simulate/published";
import type { Run } from "../../core/simulate/run";
import { simulate, type Simulation } from "../../core/simulate/simulate";
import type { Prices } from "../../core/simulate/spot-world";
import { traceSet, type TraceSet } from "../../core/simulate/trace-set";
import { choices, halvedAndDoubled } from "../../core/simulate/variants";
import { parse } from "../../core/spec/check-result";
import { spotInput, spotSpec } from "../../core/spec/spot-input";
import type { SpotSpec } from "../../core/spot/spec";
import type { Terminal } from "../terminal";
import { frontierPlot } from "../view/frontier-plot";
import { simulationPlot } from "../view/simulation-plot";
import { table } from "../view/table";
import { wholeNumber } from "../whole-number";

interface SimulateOptions {
  traces: string;
  replicas?: number;
  load?: string;
  policy?: string[];
  spot?: string;
  overprovision: number;
  coldStart: number;
  spotPrice: number;
  onDemandPrice: number;
  frontier?: true;
  sensitivity?: true;
  json?: true;
  plot?: string;
}

const POLICIES = ["own", "spotHedge", "roundRobin", "evenSpread"];

export function addSimulateCommand(program: Command, terminal: Terminal): void {
  program
    .command("simulate")
    .description(
      "Runs the agent's spot policy on recorded traces, in virtual time, beside others and the least possible.",
    )
    .requiredOption(
      "--traces <folder>",
      "a JSON file for each zone: { metadata: { gap_seconds }, data: [VMs to be had, ...] }",
    )
    .option("--replicas <n>", "replicas wanted ready at every moment", wholeNumber(1))
    .option("--load <file>", "instead: JSON, [{ atSeconds, replicas }, ...] in order")
    .option("--policy <names...>", `of ${POLICIES.join(", ")} (default: all)`)
    .option("--spot <json>", "fields of `capacity.spot` for the own policy, such as '{\"numOverprovision\":1}'")
    .option("--overprovision <n>", "spot replicas above the number, for the policies of others", wholeNumber(), 1)
    .option("--cold-start <seconds>", "from launch to ready", positive, 183)
    .option("--spot-price <dollars>", "per hour", positive, 0.3)
    .option("--on-demand-price <dollars>", "per hour", positive, 1)
    .option(
      "--frontier",
      "what there is to choose between: grace, caution, spare and base replicas as they move, others too",
    )
    .option("--sensitivity", "the own policy with each of its numbers halved and doubled")
    .option("--json", "print the report, for scripts")
    .option(
      "--plot <file>",
      "write an SVG: ready spot, on-demand and target over time; with --frontier, availability against cost",
    )
    .action(async (options: SimulateOptions) => {
      const prices = { spot: options.spotPrice, onDemand: options.onDemandPrice };
      const spec = specOf(options);
      const named = policiesOf(options, spec, prices);
      const traces = await readTraces(options.traces);
      const wanted = await wantedOf(options, traces);
      const setting = { traces, wanted, prices, coldStartSeconds: options.coldStart };
      const policies = options.frontier
        ? choices(spec, setting)
        : options.sensitivity
          ? halvedAndDoubled(spec, setting)
          : named;
      const simulation = simulate(setting, policies);
      if (options.plot !== undefined) {
        await fs.writeFile(
          options.plot,
          options.frontier ? frontierPlot(simulation) : simulationPlot(simulation.runs, simulation.hours),
        );
      }
      terminal.out(`${options.json ? jsonOf(simulation, options) : textOf(simulation, options)}\n`);
    });
}

function specOf({ spot = "{}" }: SimulateOptions): SpotSpec {
  const given = parse(spotInput, jsonIn("--spot", spot));
  if (!given.ok) {
    throw refusal(given.failures.map(({ reason }) => `--spot: ${reason}`).join("; "));
  }
  return spotSpec(given.value);
}

function policiesOf(
  { policy, frontier, sensitivity, overprovision }: SimulateOptions,
  spec: SpotSpec,
  prices: Prices,
): Policy[] {
  if ([policy, frontier, sensitivity].filter((given) => given !== undefined).length > 1) {
    throw refusal("Give one of --policy, --frontier and --sensitivity: each says which policies are run.");
  }
  const names = policy ?? POLICIES;
  const known: Record<string, () => Policy> = {
    own: () => ownPolicy("own", spec, prices),
    spotHedge: () => spotHedge(overprovision),
    roundRobin: () => roundRobin(overprovision),
    evenSpread: () => evenSpread(overprovision),
  };
  return names.map((name) => {
    const make = known[name];
    if (make === undefined) throw refusal(`--policy: "${name}" is none of ${POLICIES.join(", ")}.`);
    return make();
  });
}

async function readTraces(folder: string): Promise<TraceSet> {
  const names = (await fs.readdir(folder).catch(unreadable(`--traces: ${folder}`))).filter((name) =>
    name.endsWith(".json"),
  );
  const files = names.map(async (name) => ({ name, text: await fs.readFile(path.join(folder, name), "utf8") }));
  return traceSet(folder, await Promise.all(files));
}

const loadFormat = z.array(z.object({ atSeconds: z.number().nonnegative(), replicas: z.int().nonnegative() })).min(1);

/** Replicas wanted in each tick of the traces. */
async function wantedOf({ replicas, load }: SimulateOptions, { ticks, gapSeconds }: TraceSet): Promise<number[]> {
  if ((replicas === undefined) === (load === undefined)) throw refusal("Give either --replicas or --load.");
  if (load === undefined) return Array.from({ length: ticks }, () => replicas!);
  const text = await fs.readFile(load, "utf8").catch(unreadable(`--load: ${load}`));
  const steps = loadFormat.safeParse(jsonIn(load, text));
  if (
    !steps.success ||
    steps.data.some(({ atSeconds }, index) => atSeconds < (steps.data[index - 1]?.atSeconds ?? 0))
  ) {
    throw refusal(
      `${load} must be [{ "atSeconds": 0, "replicas": 4 }, ...] in order of time, with whole numbers from 0 on.`,
    );
  }
  if (steps.data.every(({ replicas: count }) => count === 0)) throw refusal(`${load} never wants a replica.`);
  return Array.from({ length: ticks }, (_, tick) => {
    return steps.data.findLast(({ atSeconds }) => atSeconds <= tick * gapSeconds)?.replicas ?? 0;
  });
}

function textOf(simulation: Simulation, options: SimulateOptions): string {
  const { hours, zones, onDemandDollars, omniscientDollars, runs } = simulation;
  const percent = (share: number, digits: number) => `${(100 * share).toFixed(digits)} %`;
  const costs = (dollars: number) => [percent(dollars / onDemandDollars, 1), (dollars / omniscientDollars).toFixed(3)];
  const best = frontier(runs);
  const shown = options.frontier ? [...runs].sort((a, b) => a.dollars - b.dollars) : runs;
  const rows = shown.map((run) => {
    const { policy, availability, gaps, meanGapSeconds, dollars, fallbackDollars, launches, losses } = run;
    return [
      ...(options.frontier ? [best.includes(run) ? "*" : ""] : []),
      policy,
      percent(availability, 2),
      `${gaps} of ${meanGapSeconds.toFixed(0)} s`,
      ...costs(dollars),
      percent(fallbackDollars / dollars, 1),
      `${launches.spot} + ${launches.onDemand}`,
      String(losses),
    ];
  });
  const mark = options.frontier ? [""] : [];
  const least = [...mark, "Omniscient", "all", "", ...costs(omniscientDollars), "", "", ""];
  const head = [
    ...mark,
    "POLICY",
    "AVAILABILITY",
    "GAPS",
    "OF ON-DEMAND",
    "OF OMNISCIENT",
    "FALLBACK",
    "SPOT + ON-DEMAND LAUNCHES",
    "LOSSES",
  ];
  return [
    `${hours.toFixed(0)} hours, ${zones.length} zones: ${zones.join(", ")}.`,
    table(head, [...rows, least]),
    ...(options.frontier ? [cheapestOf(best, omniscientDollars)] : []),
  ].join("\n");
}

/** What each further nine of these is to be had for. */
function cheapestOf(best: readonly Run[], omniscientDollars: number): string {
  const lines = [0.99, 0.995, 0.999].map((least) => {
    const run = best.find(({ availability }) => availability >= least);
    const what = `${(100 * least).toFixed(1)} %`;
    if (run === undefined) return `None of these has ${what}.`;
    return `${what} is cheapest with ${run.policy}: ${(run.dollars / omniscientDollars).toFixed(3)} of Omniscient.`;
  });
  return ["", "* No other one is as available for less, nor more available for as little.", ...lines].join("\n");
}

/** Without the samples: they are what the plot is for. */
function jsonOf({ runs, ...rest }: Simulation, options: SimulateOptions): string {
  const best = frontier(runs);
  const told = runs.map((run) => {
    const { samples: _samples, ...figures } = run;
    return options.frontier ? { ...figures, onFrontier: best.includes(run) } : figures;
  });
  return JSON.stringify({ ...rest, runs: told }, null, 2);
}

function jsonIn(where: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal(`${where} is no JSON.`);
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("It must be a number more than 0.");
}

function unreadable(where: string): (error: unknown) => never {
  return (error) => {
    throw refusal(`${where} cannot be read: ${sentenceOf(error)}.`);
  };
}

function refusal(reason: string): ServeError {
  return new ServeError({ code: "InvalidInput", scope: "input", reasons: [reason] });
}
