import assert from "node:assert/strict";
import { planPath } from "../../../provider/core/plan/path";
import { shownSteps } from "../../../provider/core/plan/shown-steps";
import type { Path, PlannedPool } from "../../../provider/core/plan/states";
import { toldOf } from "../../../provider/core/plan/surge-plan";
import type { Strategy } from "../../../provider/core/strategy";
import { pulumiServe } from "../../cli/run-cli";
import { inPlace, rolling, surge } from "../strategies";

const pools = (count: number, replicas: number): PlannedPool[] =>
  Array.from({ length: count }, (_, index) => {
    const size = replicas + ((index * 7) % 50);
    return { name: `pool-${index}`, from: size, to: size };
  });

describe("the steps of a plan that Pulumi stores and prints", () => {
  const shownOf = (strategy: Strategy, of: PlannedPool[], whence: "start" | "held" = "start") => {
    const path = planPath(strategy, of);
    const { states } = path;
    return { path, all: states, ...shownSteps(states, of, strategy, whence) };
  };

  it("are all of them while they are not too many", () => {
    for (const [strategy, of] of [
      [surge(1), pools(1, 1000)],
      [surge(25), pools(20, 2)],
    ] as const) {
      const { all, steps, states } = shownOf(strategy, of);
      assert.deepEqual([steps.length, states], [all.length - 1, all]);
    }
  });

  it("stay below 200 KB for 50 pools however small the surge is, and begin and end as the plan does", () => {
    const { all, steps, states } = shownOf(surge(1), pools(50, 2));
    assert.ok(JSON.stringify(all).length > 5_000_000);
    assert.ok(JSON.stringify([steps, states]).length < 200_000);
    assert.deepEqual([states[0], states.at(-1)], [all[0], all.at(-1)]);
    assert.match(steps[0]!, /^1 up /);
    assert.match(steps.at(-1)!, new RegExp(`^${all.length - 1} down `));
  });

  const commands: [string, Strategy][] = [
    ["surge", surge(2)],
    ["surge with a hold", surge(2, { canaryPercent: 90 })],
    ["rolling", rolling(1, { order: "startFirst" })],
    ["inPlace", inPlace(1, { allowOutage: true })],
  ];
  for (const [name, strategy] of commands) {
    it(`say how many are left out, and the command that prints every one of them: ${name}`, async () => {
      const { path, all, steps } = shownOf(strategy, pools(50, 20));
      const leftOutAt = steps.find((step) => step.startsWith("..."))!;
      const [, leftOut, command] =
        /^\.\.\. (\d+) further steps of \d+ left out here: `pulumi-serve (.*)` prints all$/.exec(leftOutAt)!;
      assert.equal(Number(leftOut), all.length - steps.length);
      const { out, err } = await pulumiServe(...command!.split(" "), "--json");
      // Where a surge waits is for people: rule R, which scripts check, has no such field.
      const told = strategy.kind === "surge" ? toldOf(path).states : all;
      assert.deepEqual((JSON.parse(out || err) as Path).states, told);
    });
  }

  it("name no command where the rollout goes on from a hold", () => {
    const { steps } = shownOf(surge(2), pools(50, 20), "held");
    assert.match(
      steps.find((step) => step.startsWith("..."))!,
      /left out here$/,
    );
  });
});
