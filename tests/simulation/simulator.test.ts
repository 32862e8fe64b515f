import assert from "node:assert/strict";
import { playMany, seedsOf } from "./simulator/many";

const SECONDS = 60;

describe("the simulator", () => {
  // The same lives in every run: a change that breaks one is to blame for it. New ones are for `npm run simulate`.
  const seed = process.env["SIM_SEED"] ?? "first";

  it(`finds no broken invariant, no orphan and no rollout without an end in ${SECONDS} s (SIM_SEED=${seed})`, async () => {
    const deadline = Date.now() + SECONDS * 1000;
    const totals = await playMany(seedsOf(seed, Number.POSITIVE_INFINITY), () => Date.now() > deadline);
    process.stdout.write(`      ${totals.scenarios} scenarios, ${totals.rollouts} rollouts, seed ${seed}\n`);
    assert.deepEqual(totals.violations, [], totals.failures.map(({ text }) => text).join("\n\n"));
    assert.equal(totals.orphans, 0);
  }).timeout(600_000);

  it("gives the same run for the same seed, always", async () => {
    const [first, second] = [await playMany(seedsOf("same", 3)), await playMany(seedsOf("same", 3))];
    assert.deepEqual(first, second);
  }).timeout(180_000);
});
