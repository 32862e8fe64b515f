import assert from "node:assert/strict";
import { Executor } from "../../provider/controller/act";
import type { Action } from "../../provider/core/action";
import type { GateContent } from "../../provider/core/gate/external";
import type { GateAnswer } from "../../provider/core/observed";
import type { Store } from "../../provider/ports/store";
import { ScriptedParts } from "./scripted-parts";
import { until } from "./until";

const CONTENT: GateContent = { kind: "command", run: "./smoke-test", env: {} };
/** Gates need nothing else of a store. */
const STORE = {
  getSecret: (ref) => (ref === "gate-1" ? Promise.resolve(CONTENT) : Promise.reject(new Error(`${ref} is missing`))),
} as Store;

type RunGate = Extract<Action, { kind: "runGate" }>;

const asking = (key: string): RunGate => ({
  kind: "runGate",
  key,
  gate: { kind: "command", secret: "gate-1", timeoutSeconds: 60 },
  facts: {
    service: "project/stack/service",
    endpoint: { host: "127.0.0.1", port: 8080 },
    rollout: 7,
    percent: 25,
    version: 2,
    revisions: {},
  },
});

describe("the controller's gates", () => {
  let script: ScriptedParts;
  let executor: Executor;
  beforeEach(() => {
    script = new ScriptedParts(STORE);
    executor = new Executor(
      script.parts(),
      1,
      () => undefined,
      () => undefined,
    );
  });
  afterEach(() => executor.stop());

  /** What the core would do: ask at every tick for as long as it sees no verdict. */
  const tick = (key: string): GateAnswer | undefined => {
    executor.beginLook();
    const seen = executor.gateAnswers()[key];
    if (seen === undefined || seen.outcome === "unreachable") executor.start([asking(key)]);
    return seen;
  };
  const untilSeen = (key: string, outcome: GateAnswer["outcome"]) =>
    until(`${key} ${outcome}`, () => {
      const seen = tick(key);
      return seen?.outcome === outcome && seen;
    });

  it("are asked once, however many ticks their answer takes, and kept for every tick after it", async () => {
    let answer: (answer: GateAnswer) => void = () => undefined;
    script.answerOfGate = () => new Promise((resolve) => (answer = resolve));
    for (let looks = 0; looks < 5; looks += 1) {
      assert.equal(tick("7/1/0"), undefined);
      await new Promise((resolve) => setImmediate(resolve));
    }
    answer({ outcome: "failed", reason: "exit code 3" });
    assert.deepEqual(await untilSeen("7/1/0", "failed"), { outcome: "failed", reason: "exit code 3" });
    for (let looks = 0; looks < 5; looks += 1) assert.equal(tick("7/1/0")?.outcome, "failed");
    assert.deepEqual(script.calls, ["gate command 25"]);
  });

  it("get what they are from the store's secrets, and say so when it is not there", async () => {
    const asked: GateContent[] = [];
    script.answerOfGate = async (content) => {
      asked.push(content);
      return { outcome: "passed", reason: "" };
    };
    await untilSeen("7/1/0", "passed");
    assert.deepEqual(asked, [CONTENT]);
    const lost = asking("7/2/0");
    executor.beginLook();
    executor.start([{ ...lost, gate: { ...lost.gate, secret: "gate-2" } }]);
    const answer = await until("an answer", () => executor.gateAnswers()["7/2/0"]);
    assert.deepEqual(answer, { outcome: "unreachable", reason: "gate-2 is missing" });
  });

  it("are asked anew at each step", async () => {
    await untilSeen("7/1/0", "passed");
    await untilSeen("7/4/0", "passed");
    assert.deepEqual(script.calls, ["gate command 25", "gate command 25"]);
  });

  it("that cannot be reached are seen as such and asked again after a pause, until there is a verdict", async () => {
    const askedAt: number[] = [];
    script.answerOfGate = async () => {
      askedAt.push(performance.now());
      return askedAt.length < 3 ? { outcome: "unreachable", reason: "no route" } : { outcome: "passed", reason: "200" };
    };
    assert.equal((await untilSeen("7/1/0", "unreachable")).reason, "no route");
    await untilSeen("7/1/0", "passed");
    assert.equal(askedAt.length, 3);
    assert.ok(askedAt[1]! - askedAt[0]! > 90 && askedAt[2]! - askedAt[1]! > 190, askedAt.join());
    assert.ok(script.lines.includes("gate 7/1/0 failed: no route"), script.lines.join());
  });

  it("end with the controller, which does not wait for their verdict", async () => {
    let answer: (answer: GateAnswer) => void = () => undefined;
    script.answerOfGate = () => new Promise((resolve) => (answer = resolve));
    tick("7/1/0");
    await until("it runs", () => script.calls.length > 0);
    const stopped = executor.stop();
    assert.ok(script.gatesClosed);
    answer({ outcome: "unreachable", reason: "closed" });
    await stopped;
  });

  it("of rollouts long over are forgotten", async () => {
    for (let step = 0; step < 103; step += 1) tick(`7/${step}/0`);
    await until("all have answered", () => executor.gateAnswers()["7/102/0"]);
    const kept = Object.keys(executor.gateAnswers());
    assert.equal(kept.length, 100);
    assert.ok(!kept.includes("7/2/0") && kept.includes("7/3/0"));
  });
});
