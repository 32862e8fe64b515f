import assert from "node:assert/strict";
import type { EventBody, ServeEvent } from "../../provider/core/events";
import { rolloutTimes } from "./critical-path";

describe("the demo's critical path", () => {
  const step = (kind: "up" | "shift" | "down", percent: number): EventBody => ({
    kind: "rolloutStep",
    rollout: 1,
    step: 1,
    steps: 4,
    state: { kind, percent, pools: {}, weights: { canary: percent, primary: 100 - percent }, settled: false },
  });
  const launching = (replica: string): EventBody => ({ kind: "replicaLaunching", replica, pool: "p", revision: "b" });
  const draining = (replica: string): EventBody => ({ kind: "replicaDraining", replica, reason: "" });
  const drained = (replica: string): EventBody => ({ kind: "replicaDrained", replica, inFlight: 0, seconds: 0 });
  const started: EventBody = {
    kind: "rolloutStarted",
    rollout: 1,
    targetKey: "t",
    version: 2,
    pools: [],
    cap: {},
    strategy: "surge",
    maxShiftPercent: 50,
    floor: null,
    origin: "declared",
    revisions: {},
  };
  const ended: EventBody = { kind: "rolloutEnded", rollout: 1, outcome: "promoted", reason: null, seconds: 0 };

  function log(...entries: [number, EventBody][]): ServeEvent[] {
    return entries.map(([second, body], seq) => ({ seq, at: second * 1000, epoch: 1, ...body }));
  }

  it("adds boot and longest drain of each wave, and nothing of what we did in between", () => {
    const events = log(
      [0, started],
      [0, step("up", 50)],
      [0, launching("c1")],
      [0, launching("c2")],
      [9, step("shift", 50)],
      [9, step("down", 50)],
      [9, draining("p1")],
      [9, draining("p2")],
      [10, drained("p1")],
      [10.5, drained("p2")],
      [11, step("up", 100)],
      [11, launching("c3")],
      [20, draining("p3")],
      [22, drained("p3")],
      [23, ended],
    );
    const { rolloutSeconds, criticalPathSeconds, waves } = rolloutTimes(events, 8, 2);
    assert.equal(waves.length, 2);
    assert.equal(criticalPathSeconds, 8 + 1.5 + 8 + 2);
    assert.equal(rolloutSeconds, 23);
  });

  it("does not let a drain that is longer than any response count for more than that response", () => {
    const events = log([0, started], [0, launching("c1")], [5, draining("p1")], [65, drained("p1")], [66, ended]);
    assert.equal(rolloutTimes(events, 5, 2).criticalPathSeconds, 7);
  });

  it("does not begin a wave for a replica that is launched in place of a lost one", () => {
    const events = log(
      [0, started],
      [0, step("up", 50)],
      [0, launching("c1")],
      [3, { kind: "replicaLost", replica: "c1", reason: "killed" }],
      [3, launching("c2")],
      [12, ended],
    );
    assert.equal(rolloutTimes(events, 8, 2).criticalPathSeconds, 8);
  });
});
