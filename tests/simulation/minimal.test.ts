import assert from "node:assert/strict";
import { generate } from "./simulator/generate";
import { minimal } from "./simulator/minimal";
import { describeFailure } from "./simulator/report";
import type { RunResult } from "./simulator/run";
import type { Scenario } from "./simulator/scenario";

/** Breaks a rule wherever a VM is lost while the first pool is to have three replicas or more; what it takes to break one of ours is not known. */
async function play(scenario: Scenario): Promise<RunResult> {
  const isLost = scenario.steps.some(({ kind }) => kind === "lose");
  const breaks = isLost && scenario.programs.some(({ pools }) => pools[0]!.replicas >= 3);
  return {
    scenario,
    violation: breaks ? { rule: "cap", sentence: "one too many", at: 12_345 } : null,
    virtualHours: 0,
    outcomes: {},
    happened: {},
    rollouts: 1,
    orphans: 0,
    controllers: 1,
    tail: [{ seq: 7, at: 1, epoch: 1, kind: "leaseTaken", packageVersion: "1" }],
  };
}

async function firstFailure(): Promise<RunResult> {
  for (let index = 0; index < 1_000; index += 1) {
    const result = await play(generate(`minimal/${index}`));
    if (result.violation !== null && result.scenario.steps.length > 5) return result;
  }
  throw new Error("no scenario of a thousand has what breaks it");
}

describe("a scenario that breaks a rule", () => {
  it("is made as small as it can be while the same rule breaks", async () => {
    const { scenario } = await minimal(await firstFailure(), play);
    assert.deepEqual(
      scenario.steps.map(({ kind }) => kind),
      ["lose"],
    );
    const sizes = scenario.programs.map(({ pools }) => pools.map(({ replicas }) => replicas));
    assert.deepEqual([...sizes.flat()].sort(), [1, 1, 1, 1, 3], "one pool, of three replicas in one program only");
    assert.ok(Object.values(scenario.revisions).every(({ start, drainMs }) => start === "ready" && drainMs === 0));
  });

  it("is told with its seed, what broke and when, what to run again, and the last events", async () => {
    const failed = await firstFailure();
    const { seed, rule, text } = describeFailure(failed);
    assert.equal(seed, failed.scenario.seed);
    assert.equal(rule, "cap");
    const [what, replay, event] = text.split("\n");
    assert.equal(what, `seed ${seed}: cap broke at 12.3 s: one too many`);
    assert.deepEqual(JSON.parse(replay!.slice("replay: run(".length, -1)), failed.scenario);
    assert.match(event!, /"seq":7/);
  });
});
