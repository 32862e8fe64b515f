import assert from "node:assert/strict";
import { planRollout, type ServiceView } from "../../../provider/core/plan/rollout-plan";
import { planSurge } from "../../../provider/core/plan/surge";
import { factsOf, type PoolFacts } from "../../../provider/core/spec/facts";
import { poolInput } from "../../../provider/core/spec/pool-input";
import { poolSpec } from "../../../provider/core/spec/pool-spec";

function pool(run: string, changes: { name?: string; template?: object; [key: string]: unknown } = {}): PoolFacts {
  const owner = { project: "shop", stack: "dev", name: "gpu", service: "shop/dev/chat" };
  const template = { run, ...changes.template };
  const input = { ...owner, replicas: 4, bootSeconds: 8, drainSeconds: 10, ...changes, template };
  return factsOf(poolSpec(poolInput.parse(input), null));
}

function serving(...pools: PoolFacts[]): ServiceView {
  return { serving: Object.fromEntries(pools.map((each) => [each.name, each])), inFlight: null, rejected: {} };
}

const [A, B] = [pool("a"), pool("b")];
const request = { targetKey: "key", before: [A], view: serving(A), maxSurgePercent: 25 };

describe("the plan that preview shows", () => {
  it("says each step in words and numbers, and what it costs", () => {
    const { plan, planStates } = planRollout({ ...request, target: [B] });
    assert.deepEqual(plan.changes, ["gpu: restart (run): every replica restarts"]);
    assert.deepEqual(plan.steps, [
      "1 up      canary 1/4, primary 4/4, traffic 0 %",
      "2 shift   canary 1/4, primary 4/4, traffic 25 %",
      "3 down    canary 1/4, primary 3/4, traffic 25 %",
      "4 up      canary 2/4, primary 3/4, traffic 25 %",
      "5 shift   canary 2/4, primary 3/4, traffic 50 %",
      "6 down    canary 2/4, primary 2/4, traffic 50 %",
      "7 up      canary 3/4, primary 2/4, traffic 50 %",
      "8 shift   canary 3/4, primary 2/4, traffic 75 %",
      "9 down    canary 3/4, primary 1/4, traffic 75 %",
      "10 up      canary 4/4, primary 1/4, traffic 75 %",
      "11 shift   canary 4/4, primary 1/4, traffic 100 %",
      "12 down    canary 4/4, primary 0/4, traffic 100 %",
    ]);
    assert.equal(plan.peakReplicas, 5);
    assert.deepEqual(plan.cap, { gpu: 5 });
    assert.equal(plan.estimatedSeconds, 32);
    assert.equal(plan.longestSeconds, 72);
    assert.equal(
      plan.summary,
      "12 steps, at most 5 of 5 replicas at once; about 32 s, at most 1 min 12 s if every drain takes its whole time",
    );
    assert.deepEqual(planStates, planSurge({ pools: [{ name: "gpu", from: 4, to: 4 }], maxSurgePercent: 25 }).states);
  });

  it("shows traffic that is no whole percent as integers", () => {
    const { plan } = planRollout({
      ...request,
      target: [{ ...B, replicas: 3 }],
      before: [{ ...A, replicas: 3 }],
      view: null,
    });
    assert.ok(
      plan.steps.some((step) => step.endsWith("traffic 1 of 3 (33.3 %)")),
      plan.steps.join("\n"),
    );
  });

  it("has no steps at first deploy", () => {
    for (const view of [null, serving(), serving(A)]) {
      const { plan, planStates } = planRollout({ ...request, target: [A], before: null, view });
      assert.equal(plan.summary, "no steps at first deploy");
      assert.deepEqual(plan.changes, [`gpu: first revision ${A.revision}, 4 replicas`]);
      assert.deepEqual([plan.steps, planStates], [[], []]);
    }
  });

  it("says of a light change that no replica restarts", () => {
    const { plan } = planRollout({ ...request, target: [pool("a", { replicas: 6, readiness: { path: "/up" } })] });
    assert.deepEqual(plan.changes, ["gpu: light (replicas 4 -> 6, readiness): at once, no replica restarts"]);
    assert.deepEqual(plan.steps, []);
  });

  it("says of a userConfig that it is pushed, whatever light changes with it, and never shows it", () => {
    const [from, to] = [pool("a", { userConfig: { t: 1 } }), pool("a", { userConfig: { t: 2 }, replicas: 6 })];
    const changes = (before: PoolFacts, target: PoolFacts) =>
      planRollout({ ...request, target: [target], before: [before], view: serving(before) }).plan.changes;
    assert.deepEqual(changes(from, to), [
      "gpu: reconfigure (replicas 4 -> 6, userConfig): pushed to every running replica, no restart",
    ]);
    assert.deepEqual(changes(A, from), ["gpu: reconfigure (userConfig): pushed to every running replica, no restart"]);
    assert.deepEqual(changes(from, A), [
      "gpu: light (userConfig removed, running replicas keep theirs): at once, no replica restarts",
    ]);
    assert.deepEqual(changes(from, pool("a", { userConfig: { t: 1 }, reconfigure: { onRefusal: "replace" } })), [
      "gpu: light (reconfigure): at once, no replica restarts",
    ]);
    assert.deepEqual(changes(from, pool("b", { userConfig: { t: 2 } })), [
      "gpu: restart (run): every replica restarts; staged with it: userConfig",
    ]);
  });

  it("says of a version that stayed the same over another template that nothing is redeployed", () => {
    const [from, to] = [pool("a", { version: "v1" }), pool("b", { version: "v1", replicas: 6 })];
    const warning =
      'version "v1" of pool "gpu" is unchanged but its template differs (run): nothing is redeployed; give it another version';
    const first = planRollout({ ...request, target: [to], before: [from], view: serving(from) });
    assert.deepEqual(first.plan.changes, ["gpu: light (replicas 4 -> 6): at once, no replica restarts", warning]);
    assert.equal(first.plan.summary, "nothing to roll: no new revision");
    // The last deployment declared it already, and what serves is still the old content.
    const later = planRollout({ ...request, target: [to], before: [to], view: serving({ ...to, parts: from.parts }) });
    assert.deepEqual(later.plan.changes, [warning]);
    const next = planRollout({
      ...request,
      target: [pool("b", { version: "v2" })],
      before: [from],
      view: serving(from),
    });
    assert.deepEqual(next.plan.changes, ["gpu: restart (version, run): every replica restarts"]);
  });

  it("stages light changes that come with a new revision, and plans for both numbers of replicas", () => {
    const target = pool("b", { replicas: 8 });
    const { plan, planStates } = planRollout({ ...request, target: [target] });
    assert.deepEqual(plan.changes, ["gpu: restart (run): every replica restarts; staged with it: replicas 4 -> 8"]);
    assert.deepEqual(planStates, planSurge({ pools: [{ name: "gpu", from: 4, to: 8 }], maxSurgePercent: 25 }).states);
  });

  it("calls a change of resources a replacement of machines", () => {
    const { plan } = planRollout({ ...request, target: [pool("a", { template: { resources: { cpus: 8 } } })] });
    assert.deepEqual(plan.changes, ["gpu: replace (resources): every replica moves to a new machine"]);
  });

  it("starts from what serves when the last deployment failed", () => {
    const C = pool("c");
    const { plan } = planRollout({ ...request, target: [C], before: [B], view: serving(A) });
    assert.equal(plan.steps.length, 12);
    const reverted = planRollout({ ...request, target: [A], before: [B], view: serving(A) });
    assert.equal(reverted.plan.summary, "nothing to roll: no new revision");
    assert.deepEqual(reverted.plan.changes, []);
  });

  it("is the same before and after the pools' handlers have run", () => {
    const light = pool("a", { replicas: 6 });
    const atPreview = planRollout({ ...request, target: [light], view: serving(A) });
    const atUp = planRollout({ ...request, target: [light], view: serving(light) });
    assert.deepEqual(atUp, atPreview);
  });

  it("brings a pool that is new to a rolled-out service up before its first traffic", () => {
    const other = pool("x", { name: "other", route: "/x" });
    const { plan, planStates } = planRollout({ ...request, target: [A, other] });
    assert.deepEqual(plan.changes, [`other: first revision ${other.revision}, 4 replicas`]);
    assert.deepEqual(planStates[1]!.pools, { other: { canary: 4, primary: 0 } });
  });

  it("says that a rejected target will not move", () => {
    const view = { ...serving(A), rejected: { key: "no replica became ready" } };
    assert.match(
      planRollout({ ...request, target: [B], view }).plan.summary,
      /rejected before.*: no replica became ready$/,
    );
  });

  it("says that it is a guess when the store did not answer", () => {
    assert.match(planRollout({ ...request, target: [B], view: null }).plan.summary, /store did not answer$/);
  });
});
