import assert from "node:assert/strict";
import type { Action } from "../../../provider/core/action";
import { noteConditions } from "../../../provider/core/conditions";
import { Draft, firstState } from "../../../provider/core/draft";
import { followGates } from "../../../provider/core/gate/follow";
import type { GateVerdict } from "../../../provider/core/gate/state";
import type { Intent } from "../../../provider/core/intent";
import type { GateAnswer, Observed, VersionMetrics } from "../../../provider/core/observed";
import type { PlanState } from "../../../provider/core/plan/states";
import type { PoolSpec } from "../../../provider/core/spec/pool";
import type { RolloutProgress, State } from "../../../provider/core/state";
import type { Gate } from "../../../provider/core/strategy";
import { intentOf, poolSpec } from "../../simulation/intents";
import { surge } from "../strategies";
import { metrics } from "./metrics";

const ERRORS: Gate = { kind: "errorRate", maxPercent: 1, maxAbovePrimary: null, minRequests: 100 };
const COMPARED: Gate = { kind: "errorRate", maxPercent: null, maxAbovePrimary: 1, minRequests: 100 };
const COMMAND: Gate = { kind: "command", secret: "smoke-test", timeoutSeconds: 60 };
const WEBHOOK: Gate = { kind: "webhook", secret: "hook", timeoutSeconds: 5 };

/** A settled rollout from revision a to b, and tick after tick over it. */
class Settled {
  state: State = firstState();
  now = 1_000_000;
  counted: Record<string, { a?: VersionMetrics; b?: VersionMetrics }> | null = {};
  readonly told: string[] = [];
  /** What the last look asked. */
  asked: Extract<Action, { kind: "runGate" }>[] = [];
  private readonly answers: Record<string, GateAnswer> = {};
  private readonly intent: Intent;

  constructor(gates: Gate[], { weights = { canary: 25, primary: 75 }, bakeSeconds = 0, pools = ["p"], from = 4 } = {}) {
    const of = (revision: string) => pools.map((name): PoolSpec => poolSpec(name, revision, 4));
    this.intent = intentOf(of("b"));
    const counts = Object.fromEntries(pools.map((name) => [name, { canary: 1, primary: 3 }]));
    const at: PlanState = { kind: "down", percent: 25, pools: counts, weights, settled: true };
    const [before, after] = [of("a"), of("b")];
    for (const [index, name] of pools.entries()) {
      this.state.pools[name] = {
        primary: before[index]!,
        canary: after[index]!,
        hasServed: true,
        takesTraffic: true,
        failures: null,
        attemptSeen: 1,
        scale: null,
      };
    }
    this.state.rollout = {
      id: 7,
      version: 2,
      strategy: surge(25, { gates, bakeSeconds }),
      pools: pools.map((name) => ({ name, from, to: 4 })),
      plan: [at, at],
      cursor: 0,
      cursorSince: this.now,
      settledAt: this.now,
      gate: null,
      direction: { kind: "forward" },
    } as unknown as RolloutProgress;
  }

  /** One tick; null: the data plane was not seen. */
  look(): GateVerdict {
    const draft = new Draft(this.state, this.now);
    const observed = {
      dataplane: this.counted === null ? null : { generation: 1, replicas: {}, versions: this.counted },
      gateAnswers: this.answers,
    } as unknown as Observed;
    const verdict = followGates(draft, this.intent, observed);
    noteConditions(draft, observed);
    for (const event of draft.events) {
      assert.equal(event.kind, "gateJudged");
      if (event.kind === "gateJudged") this.told.push(sentence(event.verdict));
    }
    this.asked = draft.actions.flatMap((action) => (action.kind === "runGate" ? action : []));
    this.state = JSON.parse(JSON.stringify(draft.finished())) as State;
    return verdict;
  }

  /** The one gate that is asked gives this answer. */
  answer(outcome: GateAnswer["outcome"], reason: string): void {
    assert.equal(this.asked.length, 1);
    this.answers[this.asked[0]!.key] = { outcome, reason };
  }

  says(): string {
    return sentence(this.look());
  }
}

function sentence(verdict: GateVerdict): string {
  return verdict.kind === "passed" ? "passed" : `${verdict.kind}: ${verdict.reason}`;
}

describe("the gates of a settled step", () => {
  it("are judged by what came since the step settled, and by nothing before it", () => {
    const step = new Settled([ERRORS]);
    step.counted = { p: { b: metrics(500, { errors: 400 }) } };
    assert.equal(step.says(), "inconclusive: gate 1 (error rate): only 0 of 100 requests of the canary seen");
    step.counted = { p: { b: metrics(600, { errors: 401 }) } };
    assert.equal(step.says(), "passed");
  });

  it("fail as soon as the sample is there, in the middle of a bake", () => {
    const step = new Settled([ERRORS], { bakeSeconds: 60 });
    step.look();
    step.counted = { p: { b: metrics(100, { errors: 7 }) } };
    assert.match(step.says(), /^failed: gate 1 \(error rate\): the canary failed 7 % of 100 requests/);
  });

  it("pass only when the bake is over, and may still fail until then", () => {
    const step = new Settled([ERRORS], { bakeSeconds: 60 });
    step.look();
    step.counted = { p: { b: metrics(100) } };
    step.now += 59_999;
    assert.match(step.says(), /^inconclusive: baking for 60 s, and no gate fails so far/);
    step.now += 1;
    assert.equal(step.says(), "passed");
  });

  it("begin a new window at the next settled step", () => {
    const step = new Settled([ERRORS]);
    step.look();
    step.counted = { p: { b: metrics(100) } };
    assert.equal(step.says(), "passed");
    step.state.rollout = { ...step.state.rollout!, cursor: 1 };
    assert.match(step.says(), /only 0 of 100/);
  });

  it("tell the first that fails, whatever the ones before it still wait for", () => {
    const slow: Gate = { kind: "p95", maxMilliseconds: 10, maxTimesPrimary: null, minRequests: 50 };
    const step = new Settled([ERRORS, slow]);
    step.look();
    step.counted = { p: { b: metrics(60, { milliseconds: 100 }) } };
    assert.match(step.says(), /^failed: gate 2 \(p95 latency\)/);
  });

  it("say a change of the verdict once, and not each number on the way to it", () => {
    const step = new Settled([ERRORS]);
    for (let requests = 0; requests <= 100; requests += 1) {
      step.counted = { p: { b: metrics(requests) } };
      step.look();
      step.look();
    }
    assert.equal(step.told.length, 5, step.told.join("\n"));
    assert.equal(step.told.at(-1), "passed");
    assert.equal(step.told[2], "inconclusive: gate 1 (error rate): only 50 of 100 requests of the canary seen");
  });

  it("are a condition of the service for as long as they hold it up", () => {
    const step = new Settled([ERRORS]);
    step.look();
    assert.deepEqual(
      step.state.conditions.map(({ kind, message }) => [kind, message]),
      [["gate", "gate 1 (error rate): only 0 of 100 requests of the canary seen"]],
    );
    step.counted = { p: { b: metrics(100) } };
    step.look();
    assert.deepEqual(step.state.conditions, []);
  });

  it("judge each pool by itself, so that a busy one cannot hide the errors of a quiet one", () => {
    const step = new Settled([ERRORS], { pools: ["busy", "quiet"] });
    step.look();
    step.counted = { busy: { b: metrics(10_000) }, quiet: { b: metrics(99, { errors: 99 }) } };
    assert.match(step.says(), /^inconclusive: gate 1 \(error rate\), pool "quiet": only 99 of 100/);
    step.counted = { busy: { b: metrics(10_000) }, quiet: { b: metrics(100, { errors: 99 }) } };
    assert.match(step.says(), /^failed: gate 1 \(error rate\), pool "quiet": the canary failed 99 %/);
  });

  it("have no verdict while the data plane is not seen, and lose nothing of their window by it", () => {
    const step = new Settled([ERRORS]);
    step.counted = { p: { b: metrics(50) } };
    step.look();
    step.counted = null;
    assert.match(step.says(), /^inconclusive: the gates cannot be judged/);
    step.counted = { p: { b: metrics(150) } };
    assert.equal(step.says(), "passed");
  });

  it("that were never seen open their window with the first look", () => {
    const step = new Settled([ERRORS]);
    step.counted = null;
    step.look();
    step.counted = { p: { b: metrics(500, { errors: 500 }) } };
    assert.match(step.says(), /only 0 of 100/);
  });

  it("go on counting when the engine started anew", () => {
    const step = new Settled([COMPARED]);
    step.counted = { p: { a: metrics(9000), b: metrics(500) } };
    step.look();
    step.counted = { p: { a: metrics(40), b: metrics(20) } };
    assert.match(step.says(), /only 20 of 100 requests of the canary/);
    step.counted = { p: { a: metrics(400), b: metrics(120) } };
    assert.equal(step.says(), "passed");
  });

  it("compare with all that is known of a primary that gets no traffic any more", () => {
    const step = new Settled([COMPARED], { weights: { canary: 100, primary: 0 } });
    step.counted = { p: { a: metrics(9000), b: metrics(500) } };
    step.look();
    step.counted = { p: { a: metrics(9000), b: metrics(600, { errors: 50 }) } };
    assert.match(step.says(), /^failed: .*above the primary's 0 %/);
  });

  it("still do so when the engine started anew and has forgotten it", () => {
    const step = new Settled([COMPARED], { weights: { canary: 100, primary: 0 } });
    step.counted = { p: { a: metrics(9000), b: metrics(500) } };
    step.look();
    step.counted = { p: { b: metrics(100) } };
    assert.equal(step.says(), "passed");
  });

  it("say so when the primary's sample can never come", () => {
    const step = new Settled([COMPARED], { weights: { canary: 100, primary: 0 } });
    step.counted = { p: { a: metrics(12) } };
    step.look();
    step.counted = { p: { a: metrics(12), b: metrics(100) } };
    assert.match(step.says(), /only 12 of 100 requests of the primary seen, and it gets no more of them here/);
  });

  it("do not wait for requests to a canary that is reached by header only, but fail by those that came", () => {
    const step = new Settled([ERRORS], { weights: { canary: 0, primary: 100 } });
    assert.equal(step.says(), "passed");
    step.counted = { p: { b: metrics(100, { errors: 100 }) } };
    assert.match(step.says(), /^failed/);
  });

  it("compare nothing in a pool that is new", () => {
    const step = new Settled([COMPARED], { from: 0 });
    step.look();
    step.counted = { p: { b: metrics(100, { errors: 100 }) } };
    assert.equal(step.says(), "passed");
  });

  it("of no kind at all pass without leaving a trace", () => {
    const step = new Settled([]);
    assert.equal(step.says(), "passed");
    assert.equal(step.state.rollout!.gate, null);
    assert.deepEqual(step.told, []);
  });

  describe("that somebody outside decides", () => {
    const asked = (step: Settled) => step.asked.map(({ gate }) => gate.kind);

    it("are asked when the counted ones pass and the bake is over, one after the other", () => {
      const step = new Settled([COMMAND, ERRORS, WEBHOOK], { bakeSeconds: 60 });
      step.look();
      assert.deepEqual(asked(step), []);
      step.counted = { p: { b: metrics(100) } };
      step.look();
      assert.deepEqual(asked(step), []);
      step.now += 60_000;
      assert.equal(step.says(), "inconclusive: gate 1 (command): waits for its answer");
      assert.deepEqual(asked(step), ["command"]);
      step.answer("passed", "exit code 0");
      assert.equal(step.says(), "inconclusive: gate 3 (webhook): waits for its answer");
      assert.deepEqual(asked(step), ["webhook"]);
      step.answer("passed", "200");
      assert.equal(step.says(), "passed");
      assert.deepEqual(asked(step), []);
    });

    it("are told what they judge", () => {
      const step = new Settled([COMMAND]);
      step.look();
      assert.deepEqual(step.asked[0]!.facts, {
        service: "project/stack/service",
        endpoint: { host: "127.0.0.1", port: 8080 },
        rollout: 7,
        percent: 25,
        version: 2,
        revisions: { p: { from: "a", to: "b" } },
      });
    });

    it("fail the step with their own words, and are not asked again", () => {
      const step = new Settled([COMMAND]);
      step.look();
      step.answer("failed", "exit code 3: no model");
      assert.equal(step.says(), "failed: gate 1 (command): exit code 3: no model");
      assert.deepEqual(asked(step), []);
    });

    it("are asked again while they cannot be reached, which is told once", () => {
      const step = new Settled([WEBHOOK]);
      step.look();
      step.answer("unreachable", "connection refused");
      step.look();
      assert.match(step.says(), /^inconclusive: gate 1 \(webhook\): connection refused; it is asked again/);
      assert.deepEqual(asked(step), ["webhook"]);
      assert.equal(step.told.length, 2);
    });

    it("keep their answer while the step is repaired and settles again", () => {
      const step = new Settled([COMMAND]);
      step.look();
      step.answer("passed", "exit code 0");
      step.now += 5_000;
      step.state.rollout = { ...step.state.rollout!, settledAt: step.now, gate: null };
      assert.equal(step.says(), "passed");
    });

    it("are asked anew at the same place of another plan, and where another gate took their place", () => {
      const step = new Settled([COMMAND]);
      step.look();
      step.answer("passed", "exit code 0");
      step.state.rollout = { ...step.state.rollout!, cursorSince: step.now + 5_000 };
      step.look();
      assert.deepEqual(asked(step), ["command"]);
      step.answer("failed", "exit code 1");
      const mended: Gate = { ...COMMAND, secret: "./mended-test" };
      const { rollout } = step.state;
      step.state.rollout = { ...rollout, strategy: { ...rollout.strategy, gates: [mended] } };
      step.look();
      assert.deepEqual(
        step.asked.map(({ gate }) => gate),
        [mended],
      );
    });
  });
});
