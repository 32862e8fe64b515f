import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { closingLine, mocha, nothing, plus, type Report, type Tally } from "./mocha";
import { bringPulumi } from "./pulumi";
import { namesCliSuite, suitesIn } from "./suites";

const root = path.resolve(__dirname, "../..");

async function main(args: string[]): Promise<void> {
  const tally = args.length > 0 ? await only(args) : await everything();
  process.stdout.write(`\n${closingLine(tally)}\n`);
  process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

async function only(args: string[]): Promise<Tally> {
  // Here and not in a test's own set-up, where building it would take longer than any test may.
  if (namesCliSuite(args)) await bringPulumi();
  return mocha(args);
}

async function everything(): Promise<Tally> {
  const { early, late, alone } = suitesIn(path.join(root, "tests"));
  let tally = typecheck();
  // Brought meanwhile: building it takes longer than the tests that do not need it. Its failure is told by those that do.
  const cli = bringPulumi().catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  for (const suite of early) tally = plus(tally, await told(suite, "inherit"));
  await cli;
  const lane = async (): Promise<void> => {
    for (let file = late.shift(); file !== undefined; file = late.shift()) {
      const result = await told(file, "hold");
      tally = plus(tally, result);
    }
  };
  await Promise.all([lane(), lane()]);
  for (const file of alone) tally = plus(tally, await told(file, "inherit"));
  return tally;
}

async function told(suite: string, report: Report): Promise<Tally> {
  const started = Date.now();
  process.stdout.write(`\n== tests/${suite} ...\n`);
  const result = await mocha([`tests/${suite}`], report);
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  process.stdout.write(`== tests/${suite}: ${closingLine(result)}, ${seconds} s\n`);
  return result;
}

/** Once, for the whole tree: the suites themselves run without type checks. */
function typecheck(): Tally {
  const compiler = require.resolve("typescript/bin/tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", "tests/tsconfig.json", "--noEmit"], {
    cwd: root,
    stdio: "inherit",
  });
  process.stdout.write(`== types: ${status === 0 ? "right" : "wrong, see above"}\n`);
  return { ...nothing, ...(status === 0 ? { passed: 1 } : { failed: 1 }) };
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
