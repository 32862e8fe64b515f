import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { closingLine, mocha, nothing, plus, type Tally } from "./mocha";
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
  let tally = typecheck();
  // Brought meanwhile: building it takes longer than the tests that do not need it. Its failure is told by those that do.
  const cli = bringPulumi().catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  for (const suite of suitesIn(path.join(root, "tests"))) {
    if (suite.needsCli) await cli;
    const started = Date.now();
    process.stdout.write(`\n== tests/${suite.name}\n`);
    const result = await mocha([`tests/${suite.name}`]);
    process.stdout.write(
      `== tests/${suite.name}: ${closingLine(result)}, ${((Date.now() - started) / 1000).toFixed(0)} s\n`,
    );
    tally = plus(tally, result);
  }
  await cli;
  return tally;
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
