import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { playMany, seedsOf } from "./simulator/many";
import { describeTotals, NO_TOTALS, plus, type Totals } from "./simulator/report";

/** From here on a second process is worth its start. */
const MANY = 100;

interface Task {
  seed: string;
  count: number;
  worker: number;
  workers: number;
}

/** `npm run simulate -- [--rollouts N] [--seed S] [--json]`, or `-- --scenario S/17` for one of them. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rollouts: { type: "string", default: "1000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      scenario: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const { seed, scenario, json } = values;
  const count = Number(values.rollouts);
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`--rollouts must be a whole number, not ${values.rollouts}`);
  if (!json) process.stdout.write(scenario === undefined ? `seed ${seed}\n` : `scenario ${scenario}\n`);
  const started = Date.now();
  const totals = scenario === undefined ? await playAll(seed, count) : await playMany([scenario]);
  const seconds = (Date.now() - started) / 1000;
  if (json) process.stdout.write(`${JSON.stringify({ seed: scenario ?? seed, ...totals, seconds })}\n`);
  else {
    for (const { text } of totals.failures) process.stdout.write(`\n${text}\n`);
    process.stdout.write(`${describeTotals(totals, seconds)}\n`);
  }
  process.exitCode = totals.violations.length === 0 && totals.orphans === 0 ? 0 : 1;
}

async function playAll(seed: string, count: number): Promise<Totals> {
  const workers = count >= MANY ? availableParallelism() : 1;
  if (workers === 1) return playMany(seedsOf(seed, count));
  const parts = await Promise.all(
    Array.from({ length: workers }, (_, worker) => delegate({ seed, count, worker, workers })),
  );
  return parts.reduce(plus, NO_TOTALS);
}

/** A process of its own for a part of the seeds; it ends with this one. */
function delegate(task: Task): Promise<Totals> {
  const child = fork(__filename, { env: { ...process.env, SIMULATE_TASK: JSON.stringify(task) } });
  return new Promise((resolve, reject) => {
    child.once("message", (totals) => resolve(totals as Totals));
    child.once("exit", (code) => reject(new Error(`a worker ended with exit code ${code}`)));
  });
}

async function work({ seed, count, worker, workers }: Task): Promise<void> {
  process.once("disconnect", () => process.exit(1));
  const totals = await playMany(seedsOf(seed, count, worker, workers));
  process.send!(totals, () => process.exit(0));
}

const task = process.env["SIMULATE_TASK"];
const running = task === undefined ? main() : work(JSON.parse(task) as Task);
running.catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
