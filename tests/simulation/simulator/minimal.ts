import { run, type RunResult } from "./run";
import type { ProgramPool, RevisionBehaviour, Scenario } from "./scenario";

const MOST_TRIES = 300;
/** One that never ends is long, and so is each try to make it shorter. */
const MOST_HOURS = 10;
const PLAIN: readonly Partial<RevisionBehaviour>[] = [
  { start: "ready" },
  { failsAfterMs: null },
  { path: "/health" },
  { drainMs: 0 },
];

/**
 * The smallest scenario found in which the same rule still breaks: steps left out one at a time, then pools, then
 * replicas, then everything that is odd about the revisions.
 */
export async function minimal(failed: RunResult, play: typeof run = run): Promise<RunResult> {
  let least = failed;
  let tries = 0;
  let hours = 0;
  for (let smaller = true; smaller && tries < MOST_TRIES;) {
    smaller = false;
    for (const candidate of simpler(least.scenario)) {
      if ((tries += 1) > MOST_TRIES || hours > MOST_HOURS) break;
      const result = await play(candidate);
      hours += result.virtualHours;
      if (result.violation?.rule !== failed.violation!.rule) continue;
      least = result;
      smaller = true;
      break;
    }
  }
  return least;
}

function* simpler(scenario: Scenario): Generator<Scenario> {
  for (const index of scenario.steps.keys())
    yield { ...scenario, steps: scenario.steps.filter((_, at) => at !== index) };
  for (const [index, step] of scenario.steps.entries()) {
    if (step.kind !== "up" || step.killAfterMs === null) continue;
    yield { ...scenario, steps: scenario.steps.with(index, { ...step, killAfterMs: null }) };
  }
  const names = new Set(scenario.programs.flatMap(({ pools }) => pools.map(({ name }) => name)));
  for (const name of names) {
    const programs = scenario.programs.map((program) => ({
      ...program,
      pools: program.pools.filter((pool) => pool.name !== name),
    }));
    if (programs.every(({ pools }) => pools.length > 0)) yield { ...scenario, programs };
  }
  for (const name of names) {
    yield* withPools(scenario, name, ({ scaling: _, ...pool }) => pool);
    yield* withPools(scenario, name, ({ spot: _, ...pool }) => pool);
  }
  for (const [index, program] of scenario.programs.entries()) {
    for (const [at, pool] of program.pools.entries()) {
      for (const replicas of new Set([1, pool.replicas >> 1, pool.replicas - 1])) {
        if (replicas < 1 || replicas >= pool.replicas) continue;
        const pools = program.pools.with(at, { ...pool, replicas });
        yield { ...scenario, programs: scenario.programs.with(index, { ...program, pools }) };
      }
    }
  }
  for (const [revision, behaviour] of Object.entries(scenario.revisions)) {
    for (const plain of PLAIN) {
      const simple = { ...behaviour, ...plain };
      if (JSON.stringify(simple) === JSON.stringify(behaviour)) continue;
      yield { ...scenario, revisions: { ...scenario.revisions, [revision]: simple } };
    }
  }
}

/** Skipped where it changes nothing, as the same scenario would be played again and again. */
function* withPools(scenario: Scenario, name: string, change: (pool: ProgramPool) => ProgramPool): Generator<Scenario> {
  const programs = scenario.programs.map((program) => ({
    ...program,
    pools: program.pools.map((pool) => (pool.name === name ? change(pool) : pool)),
  }));
  if (JSON.stringify(programs) !== JSON.stringify(scenario.programs)) yield { ...scenario, programs };
}
