import type { Verb } from "../../../provider/core/command";
import type { EventBody } from "../../../provider/core/events";
import { assertHolds, assertRefutes } from "./assert";
import { canaryUp, rolloutStarted, routed, serving, type LogBook } from "./log";

const OLD = ["p-1", "p-2", "p-3", "p-4"];

function step(number: number, percent = 25): EventBody {
  const state = { kind: "shift" as const, percent, pools: { p: { canary: 1, primary: 4 } } };
  const weights = { canary: percent, primary: 100 - percent };
  return { kind: "rolloutStep", rollout: 1, step: number, steps: 9, state: { ...state, weights, settled: false } };
}

function obeyed(verb: Verb["kind"], detail = ""): EventBody {
  return { kind: "commandObeyed", verb, detail };
}

const gate = (kind: "passed" | "failed"): EventBody => ({
  kind: "gateJudged",
  rollout: 1,
  percent: 25,
  verdict: kind === "passed" ? { kind } : { kind, reason: "5 % errors" },
});

const held: EventBody = { kind: "rolloutHeld", rollout: 1, percent: 25 };
const replanned: EventBody = {
  kind: "rolloutReplanned",
  rollout: 1,
  reason: "another hold",
  pools: [{ name: "p", from: 4, to: 4 }],
  cap: { p: 5 },
  floor: null,
  growing: "canary",
};
const goesBack: EventBody = { kind: "rollingBack", rollout: 1, cause: "operator", reason: "asked", mode: "safe" };

function shifted(): LogBook {
  return canaryUp().tick(step(2), routed(25, 75, ["p-5"], OLD));
}

describe("check, over what makes a rollout wait", () => {
  it("lets a paused rollout go on after resume, promote or an abort", () => {
    for (const word of [obeyed("resume", "at step 2"), obeyed("promote", "waits")]) {
      assertHolds(shifted().tick(obeyed("pause", "at step 2")).tick(word, step(3)));
    }
    assertHolds(shifted().tick(obeyed("pause")).tick(goesBack, obeyed("abort")).tick(step(1)));
  });

  it("lets a step stand that the same tick took before the pause", () => {
    assertHolds(shifted().tick(step(3), obeyed("pause", "at step 3")));
  });

  it("refutes holds when a paused rollout takes a step", () => {
    const log = shifted().tick(obeyed("pause", "at step 2")).tick(step(3));
    assertRefutes("holds", log, undefined, /Step 3 of rollout 1 followed while it was paused/);
  });

  it("refutes holds when a pause in a rollback does not outlive the rollback that is called off", () => {
    const log = () =>
      shifted().tick(goesBack).tick(obeyed("pause"), step(1)).tick({ kind: "rollbackCancelled", rollout: 1 });
    assertHolds(log());
    assertRefutes("holds", log().tick(step(3)), undefined, /followed while it was paused/);
  });

  it("refutes holds when a promote that did nothing is taken for one that did", () => {
    const log = shifted().tick(gate("failed")).tick(obeyed("promote", "a gate fails: only with --force"), step(3));
    assertRefutes("holds", log, undefined, /although a gate had failed at 25 %/);
  });

  it("refutes holds when a step follows a failed gate, also after a promote without force", () => {
    assertRefutes("holds", shifted().tick(gate("failed")).tick(step(3)));
    assertRefutes("holds", shifted().tick(gate("failed")).tick(obeyed("promote", "waits"), step(3)));
  });

  it("lets a rollout pass its gate, or a failed one by force, or go back from it", () => {
    assertHolds(shifted().tick(gate("passed"), step(3)));
    assertHolds(shifted().tick(gate("failed")).tick(obeyed("promote", "force"), step(3)));
    assertHolds(
      shifted()
        .tick(gate("failed"), { ...goesBack, cause: "gateFailed" })
        .tick(step(1)),
    );
  });

  it("lets a declared hold be left after promote or another declaration, and refutes holds otherwise", () => {
    assertHolds(shifted().tick(held).tick(obeyed("promote", "waits"), step(3)));
    assertHolds(shifted().tick(held).tick(replanned, step(3)));
    assertRefutes("holds", shifted().tick(held).tick(step(3)), undefined, /left the hold at 25 % without a word/);
  });

  it("lets the traffic fall to a hold that was declared lower, and refutes monotoneTraffic below it", () => {
    const lowered = () => shifted().tick(held).tick(replanned, step(1, 10));
    assertHolds(lowered().tick(routed(10, 90, ["p-5"], OLD)));
    assertRefutes("monotoneTraffic", lowered().tick(routed(5, 95, ["p-5"], OLD)));
  });

  it("lets the traffic come back at once that was lowered for a larger number of replicas", () => {
    const larger = { ...replanned, pools: [{ name: "p", from: 4, to: 8 }], cap: { p: 10 } };
    const log = shifted()
      .tick(larger, step(1), routed(4, 28, ["p-5"], OLD))
      .ready("b", "p-6");
    assertHolds(log.tick(routed(25, 75, ["p-5", "p-6"], OLD)));
  });

  it("refutes monotoneTraffic when a lowered hold is left by more than the surge", () => {
    const log = shifted()
      .tick(held)
      .tick({ ...replanned, cap: { p: 6 } }, step(1, 0))
      .tick(routed(0, 100, ["p-5"], OLD))
      .ready("b", "p-6");
    log.tick(obeyed("promote", "waits"), routed(30, 70, ["p-5", "p-6"], OLD));
    assertRefutes("monotoneTraffic", log, undefined, /jumped from 0\/100 to 30\/100/);
  });

  it("refutes holds when an abort is told and the rollout goes on", () => {
    const log = shifted().tick(obeyed("abort"), obeyed("promote", "waits"));
    assertRefutes("holds", log, log.events.length - 1, /went on in the tick in which an operator aborted it/);
  });

  it("lets an abort turn the rollout, and one that comes too late do nothing", () => {
    assertHolds(shifted().tick(goesBack, obeyed("abort")));
    assertHolds(serving().tick(obeyed("abort", "no rollout was in progress")).tick(rolloutStarted()));
  });
});
