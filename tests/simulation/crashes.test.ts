import assert from "node:assert/strict";
import { inPlace, surge } from "../core/strategies";
import { describeFailure } from "./simulator/report";
import { run } from "./simulator/run";
import type { ProgramPool, RevisionBehaviour, Scenario } from "./simulator/scenario";
import type { Strategy } from "../../provider/core/strategy";

const BEHAVIOUR: RevisionBehaviour = {
  bootMs: 200,
  start: "ready",
  failsAfterMs: null,
  path: "/health",
  drainMs: 0,
  errorPercent: 0,
  latencyMs: 20,
  refusesConfig: false,
};

const POOL: Omit<ProgramPool, "revision"> = {
  name: "p0",
  replicas: 2,
  drainSeconds: 1,
  minReadySeconds: 0,
  startupGraceSeconds: 20,
  config: "warm",
  onRefusal: "report",
};

/** More calls to the store, the cloud and the data plane than a rollout of two replicas takes. */
const MOST_CALLS = 400;

function deadAt(calls: number, when: "before" | "after", strategy: Strategy): Scenario {
  const program = (revision: string) => ({ strategy, pools: [{ ...POOL, revision }] });
  return {
    seed: "crash",
    revisions: { a: BEHAVIOUR, b: BEHAVIOUR },
    programs: [program("a"), program("b")],
    steps: [
      { at: 0, kind: "up", program: 1, killAfterMs: null },
      { at: 0, kind: "crash", calls, when, downMs: 1_000 },
    ],
  };
}

describe("a controller that is killed", () => {
  const strategies = { surge: surge(50), "in place": inPlace(50) };
  for (const [name, strategy] of Object.entries(strategies)) {
    for (const when of ["before", "after"] as const) {
      it(`${when} any one of its calls in a rollout (${name}) leaves it to the next one, which breaks no rule`, async () => {
        let deaths = 0;
        // The one that outlives its rollout is killed by what comes after it, or never.
        for (let calls = 1; calls <= MOST_CALLS; calls += 1) {
          const result = await run(deadAt(calls, when, strategy));
          assert.equal(result.violation, null, result.violation === null ? "" : describeFailure(result).text);
          assert.deepEqual(result.outcomes, { promoted: 1 });
          if (result.controllers === 1) break;
          deaths += 1;
        }
        assert.ok(deaths > 50 && deaths < MOST_CALLS, `it died ${deaths} times`);
      }).timeout(300_000);
    }
  }
});
