import { generate } from "./generate";
import { minimal } from "./minimal";
import { describeFailure, NO_TOTALS, plus, totalsOf, type Totals } from "./report";
import { run } from "./run";

const SHRUNK = 3;

/** Plays the scenarios of these seeds until there are no more, or until it is told to stop. */
export async function playMany(seeds: Iterable<string>, isOver: () => boolean = () => false): Promise<Totals> {
  let totals = NO_TOTALS;
  for (const seed of seeds) {
    if (isOver()) break;
    const result = await run(generate(seed));
    totals = plus(totals, totalsOf(result));
    if (result.violation === null || totals.failures.length >= SHRUNK) continue;
    totals = { ...totals, failures: [...totals.failures, describeFailure(await minimal(result))] };
  }
  return totals;
}

/** The seeds of one worker of several. */
export function* seedsOf(seed: string, count: number, worker = 0, workers = 1): Generator<string> {
  for (let index = worker; index < count; index += workers) yield `${seed}/${index}`;
}
