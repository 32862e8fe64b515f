import { compareParsers } from "../dataplane/fuzz/differential";
import { Random } from "../simulation/simulator/random";

const REQUESTS = 1_000_000;

/** A million mutated requests through our parser of them and through Node's: whatever Node refuses, we must refuse. */
export function benchFuzz(json: boolean): Promise<void> {
  const { disagreements, cutOtherwise, ...counts } = compareParsers(REQUESTS, new Random("a million"));
  const figures = { ...counts, disagreements: disagreements.length, cutOtherwise: cutOtherwise.length };
  if (json) process.stdout.write(`${JSON.stringify({ ...figures, examples: disagreements })}\n`);
  else console.table(figures);
  for (const { bytes, ours, nodes } of json ? [] : disagreements)
    process.stdout.write(
      `${JSON.stringify(bytes)}\n  ours ${JSON.stringify(ours)}\n  Node's ${JSON.stringify(nodes)}\n`,
    );
  if (disagreements.length > 0 || cutOtherwise.length > 0) process.exitCode = 1;
  return Promise.resolve();
}
