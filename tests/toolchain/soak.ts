import { closingLine, mocha } from "./mocha";
import { bringPulumi } from "./pulumi";

/** The tests that take longer, under tests/soak; arguments go to mocha. */
async function main(args: string[]): Promise<void> {
  await bringPulumi();
  const tally = await mocha(["tests/soak", ...args]);
  process.stdout.write(`\n${closingLine(tally)}\n`);
  process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
