import * as fs from "node:fs/promises";
import * as path from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { z } from "zod";
import { ServeError, sentenceOf } from "../../core/errors";
import { ownPolicy } from "../../core/simulate/own-policy";
import type { Policy } from "../../core/simulate/policy";
import { evenSpread, roundRobin, spotHedge } from "../../core/simulate/published";
import { simulate, type Simulation } from "../../core/simulate/simulate";
import type { Prices } from "../../core/simulate/spot-world";
import { traceSet, type TraceSet } from "../../core/simulate/trace-set";
import { parse } from "../../core/spec/check-result";
import { spotInput, spotSpec } from "../../core/spec/spot-input";
import type { Terminal } from "../terminal";
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
    .option("--json", "print the report, for scripts")
    .option("--plot <file>", "write an SVG: ready spot, on-demand and target over time")
    .action(async (options: SimulateOptions) => {
      const prices = { spot: options.spotPrice, onDemand: options.onDemandPrice };
      const policies = policiesOf(options, prices);
      const traces = await readTraces(options.traces);
      const wanted = await wantedOf(options, traces);
      const simulation = simulate({ traces, wanted, prices, coldStartSeconds: options.coldStart }, policies);
      if (options.plot !== undefined) {
        await fs.writeFile(options.plot, simulationPlot(simulation.runs, simulation.hours));
      }
      terminal.out(`${options.json ? jsonOf(simulation) : textOf(simulation)}\n`);
    });
}

function policiesOf(
  { policy: names = POLICIES, spot = "{}", overprovision }: SimulateOptions,
  prices: Prices,
): Policy[] {
  const given = parse(spotInput, jsonIn("--spot", spot));
  if (!given.ok) {
    throw refusal(given.failures.map(({ reason }) => `--spot: ${reason}`).join("; "));
  }
  const known: Record<string, () => Policy> = {
    own: () => ownPolicy("own", spotSpec(given.value), prices),
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

function textOf({ hours, zones, onDemandDollars, omniscientDollars, runs }: Simulation): string {
  const percent = (share: number, digits: number) => `${(100 * share).toFixed(digits)} %`;
  const costs = (dollars: number) => [percent(dollars / onDemandDollars, 1), (dollars / omniscientDollars).toFixed(3)];
  const rows = runs.map(({ policy, availability, dollars, fallbackDollars, launches, losses }) => [
    policy,
    percent(availability, 2),
    ...costs(dollars),
    percent(fallbackDollars / dollars, 1),
    `${launches.spot} + ${launches.onDemand}`,
    String(losses),
  ]);
  const least = ["Omniscient", "all", ...costs(omniscientDollars), "", "", ""];
  const head = [
    "POLICY",
    "AVAILABILITY",
    "OF ON-DEMAND",
    "OF OMNISCIENT",
    "FALLBACK",
    "SPOT + ON-DEMAND LAUNCHES",
    "LOSSES",
  ];
  return [`${hours.toFixed(0)} hours, ${zones.length} zones: ${zones.join(", ")}.`, table(head, [...rows, least])].join(
    "\n",
  );
}

/** Without the samples: they are what the plot is for. */
function jsonOf({ runs, ...rest }: Simulation): string {
  return JSON.stringify({ ...rest, runs: runs.map(({ samples: _samples, ...run }) => run) }, null, 2);
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
