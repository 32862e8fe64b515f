import assert from "node:assert/strict";
import { inPlace } from "../../core/strategies";
import { run } from "../simulator/run";
import type { Program, RevisionBehaviour, Scenario } from "../simulator/scenario";

const REVISION: RevisionBehaviour = {
  bootMs: 3_000,
  start: "ready",
  failsAfterMs: null,
  path: "/health",
  drainMs: 0,
  errorPercent: 0,
  latencyMs: 20,
  refusesConfig: false,
};

function program(revision: string): Program {
  const pool = {
    startupGraceSeconds: 20,
    drainSeconds: 5,
    minReadySeconds: 0,
    config: null,
    onRefusal: "report",
  } as const;
  return {
    strategy: inPlace(50, { allowOutage: true }),
    pools: [
      { ...pool, name: "p0", revision, replicas: 4 },
      { ...pool, name: "p1", revision: "a", replicas: 3 },
    ],
  };
}

describe("what the simulator has found of the people in it, told again", () => {
  it("has them run `up` again that failed for a pool, where nobody drives the rollout that is in progress", async () => {
    const scenario: Scenario = {
      seed: "last-up/6",
      revisions: { a: REVISION, b: REVISION },
      programs: [program("a"), program("b")],
      steps: [
        { at: 0, kind: "up", program: 1, killAfterMs: null },
        { at: 3_000, kind: "slowBoot", times: 20, forMs: 60_000 },
        { at: 4_000, kind: "exit", pick: 6 },
        { at: 5_000, kind: "deleteRollout" },
        // The first start of p1 has failed by then.
        { at: 24_000, kind: "load", requestsPerSecond: 1 },
      ],
    };
    const { violation, outcomes } = await run(scenario);
    assert.equal(violation, null);
    assert.deepEqual(outcomes, { promoted: 1 });
  });

  it("does not hold an `up` to a pool that somebody deletes after its Rollout, while it removes another (final/8052)", async () => {
    const [changing, unchanged] = program("a").pools;
    const stays = [changing!, { ...unchanged!, drainSeconds: 1 }];
    const before = [...stays, { ...unchanged!, name: "p2", drainSeconds: 20 }];
    const { strategy } = program("a");
    const scenario: Scenario = {
      seed: "last-up/8052",
      revisions: { a: { ...REVISION, drainMs: 20_000 } },
      programs: [
        { strategy, pools: before },
        { strategy, pools: stays },
      ],
      steps: [
        { at: 0, kind: "up", program: 1, killAfterMs: null },
        { at: 8_000, kind: "deletePool", pool: 1 },
        { at: 60_000, kind: "load", requestsPerSecond: 1 },
      ],
    };
    const { violation } = await run(scenario);
    assert.equal(violation, null);
  });
});
