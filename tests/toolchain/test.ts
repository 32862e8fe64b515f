import { spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";
import { closingLine, closingWords, failure, mocha, nothing, plus, type Tally } from "./mocha";
import { bringPulumi } from "./pulumi";
import { namesCliSuite, suitesIn } from "./suites";

const root = path.resolve(__dirname, "../..");

async function main(args: string[]): Promise<void> {
  const tally = args.length > 0 ? await only(args) : await everything();
  process.stdout.write(`${closingWords(tally)}\n${closingLine(tally)}\n`);
  process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

async function only(args: string[]): Promise<Tally> {
  // Here and not in a test's own set-up, where building it would take longer than any test may.
  if (namesCliSuite(args)) await bringPulumi();
  return mocha(args);
}

async function everything(): Promise<Tally> {
  const { early, late, alone } = suitesIn(path.join(root, "tests"));
  // Brought meanwhile: building it takes minutes, and most tests do not need it. Its failure is told by those that do.
  const cli = bringPulumi().catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  let tally = await typecheck();
  const through = async (suites: string[]): Promise<void> => {
    for (let suite = suites.shift(); suite !== undefined; suite = suites.shift()) {
      const result = await told(suite);
      tally = plus(tally, result);
    }
  };
  const lane = async (): Promise<void> => {
    await through(early);
    await cli;
    await through(late);
  };
  // One beside the build, which keeps the other core busy. From then on one more than there are cores in the smallest
  // computer that we test on: what needs the CLI waits for rollouts half of its time.
  await Promise.all([lane(), cli.then(lane), cli.then(() => through(late))]);
  for (const file of alone) tally = plus(tally, await told(file));
  return tally;
}

async function told(suite: string): Promise<Tally> {
  const started = Date.now();
  process.stdout.write(`\n== tests/${suite} ...\n`);
  const result = await mocha([`tests/${suite}`], "hold");
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  process.stdout.write(`== tests/${suite}: ${closingLine(result)}, ${seconds} s\n`);
  return result;
}

/** Once, for the whole tree: the suites themselves run without type checks. */
async function typecheck(): Promise<Tally> {
  const compiler = require.resolve("typescript/bin/tsc");
  const child = spawn(process.execPath, [compiler, "-p", "tests/tsconfig.json", "--noEmit"], {
    cwd: root,
    stdio: "inherit",
  });
  const [status] = (await once(child, "exit")) as [number | null];
  process.stdout.write(`== types: ${status === 0 ? "right" : "wrong, see above"}\n`);
  return status === 0 ? { ...nothing, passed: 1 } : failure("the types, see the first lines");
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
