import { closingLine, mocha } from "./mocha";

/** The tests that take longer, under tests/soak; arguments go to mocha. */
async function main(args: string[]): Promise<void> {
  const tally = await mocha(["tests/soak", ...args]);
  process.stdout.write(`\n${closingLine(tally)}\n`);
  process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

void main(process.argv.slice(2));
