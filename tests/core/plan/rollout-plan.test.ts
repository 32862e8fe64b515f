import assert from "node:assert/strict";
import { planPath } from "../../../provider/core/plan/path";
import { refusals } from "../../../provider/core/plan/refusals";
import { planRollout } from "../../../provider/core/plan/rollout-plan";
import { viewOf } from "../../../provider/core/plan/service-view";
import { planSurge } from "../../../provider/core/plan/surge";
import type { PoolFacts } from "../../../provider/core/spec/facts";
import type { State } from "../../../provider/core/state";
import type { Strategy } from "../../../provider/core/strategy";
import { blueGreen, inPlace, rolling, surge } from "../strategies";
import { A, B, pool, request, serving } from "./request";

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

  it("plans an autoscaled pool for what it has now, and names what it may have", () => {
    const bounds = { replicas: undefined, capacity: { min: 2, max: 10, targetQpsPerReplica: 5 } };
    const [from, to] = [pool("a", bounds), pool("b", bounds)];
    const { plan } = planRollout({ ...request, target: [to], before: [from], view: serving({ ...from, replicas: 6 }) });
    assert.deepEqual(plan.changes, ["gpu: restart (run): every replica restarts"]);
    assert.equal(plan.steps.at(-1), "12 down    canary 6/6, primary 0/6, traffic 100 %");
    assert.deepEqual(plan.cap, { gpu: 8 });
    assert.deepEqual(plan.notes, [
      "gpu: autoscaled 2..10, planned for the 6 replicas of now; at P % its canary has from P % of 2 to P % of 10 " +
        "replicas, rounded up; at any load at most 13 at once",
    ]);
    assert.deepEqual(planRollout({ ...request, target: [from], before: [A], view: serving(A) }).plan.changes, [
      "gpu: light (capacity 4 -> 2..10): at once, no replica restarts",
    ]);
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

  describe("by strategy", () => {
    const notes = (strategy: Parameters<typeof planRollout>[0]["strategy"], replicas = 4) => {
      const [from, to] = [pool("a", { replicas }), pool("b", { replicas })];
      return planRollout({ ...request, strategy, target: [to], before: [from], view: serving(from) }).plan.notes;
    };

    it("says nothing more of a surge that runs to its end", () => assert.deepEqual(notes(surge(25)), []));

    it("says where a canary holds, and that nothing goes back by itself", () => {
      const strategy = surge(25, { canaryPercent: 10 });
      const { plan, planStates } = planRollout({ ...request, strategy, target: [B] });
      assert.deepEqual(plan.notes, [
        "holds at 10 % until `canaryPercent` is raised",
        "automatic rollback is off, as `canaryPercent` is given",
      ]);
      assert.match(plan.summary, /^2 steps, at most 5 of 5 replicas at once/);
      assert.deepEqual(planStates, planPath(strategy, [{ name: "gpu", from: 4, to: 4 }]).states);
      assert.match(notes(surge(25, { canaryPercent: 0 }))[0]!, /^holds with one canary, .*name its version only/);
    });

    it("goes on from where the rollout holds when the split changes, up or down", () => {
      const pools = [{ name: "gpu", from: 4, to: 4 }];
      const { percent, pools: counts, weights } = planPath(surge(25, { canaryPercent: 50 }), pools).states.at(-1)!;
      const held = { at: { percent, pools: counts, weights }, maxSurgePercent: 25 };
      const view = { ...serving(A), inFlight: "key", held };
      const raised = planRollout({ ...request, before: [B], view, target: [B] });
      assert.match(raised.plan.summary, /^goes on from the 50 % where it holds, by its surge of 25 %; 6 steps, /);
      assert.equal(raised.plan.steps[0], "1 up      canary 3/4, primary 2/4, traffic 50 %");
      const lowered = planRollout({
        ...request,
        strategy: surge(25, { canaryPercent: 25 }),
        before: [B],
        view,
        target: [B],
      });
      assert.deepEqual(lowered.plan.steps, [
        "1 up      canary 2/4, primary 3/4, traffic 50 %",
        "2 shift   canary 2/4, primary 3/4, traffic 25 %",
        "3 down    canary 1/4, primary 3/4, traffic 25 %",
      ]);
      assert.equal(lowered.plan.estimatedSeconds, 8);
      const otherwise = planRollout({ ...request, strategy: blueGreen(), before: [B], view, target: [B] });
      assert.deepEqual(otherwise.planStates, raised.planStates);
    });

    it("plans a rollout under way by what it goes on by, and says from when on another strategy counts", () => {
      const view = { ...serving(A), inFlight: "key", running: surge(25) };
      const plannedBy = (strategy: Strategy) => planRollout({ ...request, strategy, before: [B], view, target: [B] });
      const { plan, planStates } = plannedBy(blueGreen({ bakeSeconds: 60 }));
      assert.deepEqual(planStates, planPath(surge(25), [{ name: "gpu", from: 4, to: 4 }]).states);
      assert.match(
        plan.summary,
        /a rollout to it is under way already; it goes on by a surge of 25 % until it ends; blueGreen counts from the next rollout on$/,
      );
      assert.deepEqual(plan.notes, ["bakes 1 min at each of 4 settled states"]);
      assert.match(plannedBy(surge(50)).plan.summary, /; a surge of 50 % counts from the next rollout on$/);
      assert.match(plannedBy(rolling(20)).plan.summary, /; rolling 20 % at once, stopFirst counts from the next/);
      assert.match(plannedBy(inPlace(20)).plan.summary, /; restarting 20 % at once in place counts from the next/);
      assert.match(plannedBy(surge(25, { bakeSeconds: 9 })).plan.summary, /is under way already$/);
    });

    it("reads off the state where a rollout holds, and only one that goes forward", () => {
      const plan = planPath(surge(34, { canaryPercent: 10 }), [{ name: "gpu", from: 4, to: 4 }]).states;
      const rollout = { targetKey: "key", plan, cursor: plan.length - 1, strategy: surge(34, { canaryPercent: 10 }) };
      const state = (more: object) =>
        ({ pools: {}, rejected: {}, rollout: { ...rollout, ...more } }) as unknown as State;
      const held = { percent: 10, since: 0 };
      assert.deepEqual(viewOf(state({ held, direction: { kind: "forward" } })).held, {
        at: { percent: 10, pools: { gpu: { canary: 1, primary: 4 } }, weights: { canary: 10, primary: 90 } },
        maxSurgePercent: 34,
      });
      assert.equal(viewOf(state({ held, direction: { kind: "back" } })).held, null);
      assert.equal(viewOf(state({ held: null, direction: { kind: "forward" } })).held, null);
    });

    it("starts anew for another target than the one that holds", () => {
      const at = { percent: 50, pools: { gpu: { canary: 2, primary: 2 } }, weights: { canary: 50, primary: 50 } };
      const held = { at, maxSurgePercent: 25 };
      const { plan } = planRollout({ ...request, view: { ...serving(A), inFlight: "other", held }, target: [B] });
      assert.match(plan.summary, /^12 steps.*another rollout is under way and is taken back first$/);
    });

    it("says that a blue-green rollout takes a second fleet", () => {
      const { plan } = planRollout({ ...request, strategy: blueGreen(), target: [B] });
      assert.match(plan.notes[0]!, /^a whole second fleet/);
      assert.deepEqual(plan.steps, [
        "1 up      canary 4/4, primary 4/4, traffic 0 %",
        "2 cutOver canary 4/4, primary 4/4, traffic 100 %",
        "3 down    canary 4/4, primary 0/4, traffic 100 %",
      ]);
      assert.equal(plan.peakReplicas, 8);
    });

    it("says what share of its capacity a pool loses at most", () => {
      const lost = "gpu: at most 1 of 4 replicas down at once, 25 % of its capacity";
      assert.deepEqual([notes(rolling(20)), notes(inPlace(20))], [[lost], [lost]]);
      const full = "where the cloud has no room to start first, at most 1 down at once";
      assert.equal(notes(rolling(20, { order: "startFirst" })).join(), `gpu: never fewer than 4 replicas; ${full}`);
      assert.deepEqual(notes(rolling(20), 1), ["gpu: never fewer than 1 replica"]);
      assert.match(notes(rolling(20, { allowOutage: true }), 1)[0]!, /^gpu: an outage/);
    });

    it("counts boots and drains of restarts in place", () => {
      const { plan } = planRollout({ ...request, strategy: inPlace(50), target: [B] });
      assert.deepEqual(plan.steps, [
        "1 restart canary 2/4, primary 2/4, traffic 50 %",
        "2 restart canary 4/4, primary 0/4, traffic 100 %",
      ]);
      assert.deepEqual([plan.estimatedSeconds, plan.longestSeconds], [16, 36]);
    });

    it("says how long it bakes and what gates judge, and counts the bakes", () => {
      const gates = [{ kind: "errorRate" as const, maxPercent: 1, maxAbovePrimary: 0.5, minRequests: 100 }];
      const { plan } = planRollout({ ...request, strategy: surge(50, { bakeSeconds: 30, gates }), target: [B] });
      assert.deepEqual(plan.notes, [
        "bakes 30 s at each of 2 settled states",
        "gates at each of 2 settled states: error rate at most 1 % and at most 0.5 points above the primary's",
      ]);
      assert.equal(plan.estimatedSeconds, 2 * 8 + 2 * 30);
    });

    const overloads: [number, string][] = [
      [3, "3"],
      [7, "3.5"],
      [10, "3.33"],
      [100, "4"],
    ];
    for (const [replicas, times] of overloads) {
      it(`predicts ${times} times the load of an immediate rollback of ${replicas} replicas from 75 %`, () => {
        assert.deepEqual(notes(surge(25, { rollback: { mode: "immediate" } }), replicas), [
          `an immediate rollback at 75 % would put ${times} times the load on each primary`,
        ]);
      });
    }

    it("predicts no overload of an immediate rollback while the first fleet is whole", () => {
      assert.match(notes(blueGreen({ rollback: { mode: "immediate" } }))[1]!, /no more than the usual load/);
    });
  });

  describe("refuses in place", () => {
    const refused = (from: PoolFacts, to: PoolFacts, allowOutage = false) =>
      refusals(inPlace(20, { allowOutage }), { target: [to], before: [from], view: serving(from) }).map(
        ({ reason }) => reason,
      );

    it("what needs other machines", () => {
      assert.match(
        refused(A, pool("a", { template: { resources: { cpus: 8 } } }))[0]!,
        /^strategy.kind: pool "gpu" needs other machines \(resources\)/,
      );
    });

    it("the restart of a single replica, unless an outage is allowed", () => {
      const [from, to] = [pool("a", { replicas: 1 }), pool("b", { replicas: 1 })];
      assert.match(refused(from, to)[0]!, /^strategy.allowOutage: pool "gpu" has one replica/);
      assert.deepEqual(refused(from, to, true), []);
    });

    it("nothing else", () => {
      assert.deepEqual(refused(A, B), []);
      assert.deepEqual(refused(pool("a", { replicas: 1 }), pool("a", { replicas: 1, drainSeconds: 1 })), []);
      const whole = pool("a", { template: { resources: { cpus: 8 } } });
      assert.deepEqual(refusals(rolling(), { target: [whole], before: [A], view: serving(A) }), []);
    });
  });
});
