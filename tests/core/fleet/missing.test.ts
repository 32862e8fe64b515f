import assert from "node:assert/strict";
import { decide } from "../../../provider/core/decide";
import type { Observed, ProbeReading } from "../../../provider/core/observed";
import type { State } from "../../../provider/core/state";
import { serving } from "../../simulation/service";
import type { World } from "../../simulation/world";

describe("a replica that the cloud's listing leaves out", () => {
  const FINE: ProbeReading = { consecutiveSuccesses: 9, consecutiveFailures: 0, passingSince: 1, lastError: null };
  const DEAD: ProbeReading = {
    consecutiveSuccesses: 0,
    consecutiveFailures: 1,
    passingSince: null,
    lastError: "connection refused",
  };
  let world: World;

  beforeEach(() => (world = serving([{ name: "p", replicas: 1 }])));

  /** What is decided after the listing has been empty for so long. */
  function after(seconds: number, reading: ProbeReading | undefined): { state: State; ends: boolean } {
    const observed: Observed = {
      vms: [],
      probes: reading === undefined ? {} : { "p-1": reading },
      dataplane: null,
      launchErrors: [],
      reconfigured: {},
      gateAnswers: {},
    };
    const look = (state: State | null, now: number) =>
      decide(world.intent, world.intentVersion, state, observed, now, world.epoch);
    const first = look(world.state, world.now);
    const { state, actions } = look(first.state, world.now + seconds * 1000);
    return { state, ends: [...first.actions, ...actions].some(({ kind }) => kind === "terminate") };
  }

  it("goes on serving as long as it answers its probes: listings lag, and a healthy replica would be ended", () => {
    const { state, ends } = after(600, FINE);
    assert.equal(state.replicas["p-1"]!.status, "ready");
    assert.equal(ends, false);
  });

  it("is lost at once when it does not answer either", () => {
    assert.equal(after(0, DEAD).state.replicas["p-1"], undefined);
  });

  it("is given a minute when it cannot be asked", () => {
    assert.notEqual(after(59, undefined).state.replicas["p-1"], undefined);
    assert.equal(after(61, undefined).state.replicas["p-1"], undefined);
  });
});
