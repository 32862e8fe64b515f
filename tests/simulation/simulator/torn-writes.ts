import { Random } from "./random";
import type { Scenario } from "./scenario";

/** In some lives an intent is damaged after it was written. By luck of its own, so that a seed's story stays what it was. */
export function withTornWrites(scenario: Scenario, horizon: number): Scenario {
  const random = new Random(`${scenario.seed}/torn`);
  if (random.chance(0.9)) return scenario;
  const torn = { kind: "store", how: "intentTorn", times: random.whole(1, 2) } as const;
  const steps = [...scenario.steps, { at: random.whole(0, horizon), ...torn }];
  return { ...scenario, steps: steps.sort((a, b) => a.at - b.at) };
}
