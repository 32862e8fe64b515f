import type { Run } from "./run";

/**
 * The runs that no other one beats, by cost: none of the others is as available for less, or more available for as little.
 * Whoever chooses another one gives something away.
 */
export function frontier(runs: readonly Run[]): Run[] {
  const byCost = [...runs].sort((a, b) => a.dollars - b.dollars || b.availability - a.availability);
  const best: Run[] = [];
  for (const run of byCost) if (run.availability > (best.at(-1)?.availability ?? -1)) best.push(run);
  return best;
}
