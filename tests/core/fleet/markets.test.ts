import assert from "node:assert/strict";
import { Draft } from "../../../provider/core/draft";
import { mixMarkets } from "../../../provider/core/fleet/markets";
import { steadyGoal } from "../../../provider/core/fleet/pools";
import { ALL_PRIMARY } from "../../../provider/core/goals";
import type { Observed } from "../../../provider/core/observed";
import { SPOT_DEFAULTS } from "../../../provider/core/spot/spec";
import type { State } from "../../../provider/core/state";
import { intentOf, poolSpec } from "../../simulation/intents";
import { settled } from "../../simulation/service";
import { World } from "../../simulation/world";

describe("the VMs that a pool with spot ones may have outside a rollout", () => {
  const spot = { ...SPOT_DEFAULTS, baseOnDemandReplicas: 1, dynamicOnDemandFallback: false, cautionSeconds: 20 };
  const OBSERVED: Observed = {
    vms: [],
    probes: {},
    dataplane: null,
    launchErrors: [],
    reconfigured: {},
    gateAnswers: {},
  };
  let world: World;

  beforeEach(() => {
    world = new World(intentOf([poolSpec("p", "a", 4, { spot })]));
    world.until(() => settled(world));
  });

  function capWith(spotReplicas: number): number {
    const state: State = structuredClone(world.state!);
    const [one] = Object.values(state.replicas).filter(({ market }) => market === "spot");
    const replicas = { ...state.replicas };
    for (let more = 3; more < spotReplicas; more += 1) replicas[`p-${100 + more}`] = { ...one!, id: `p-${100 + more}` };
    const draft = new Draft({ ...state, replicas }, world.now);
    const goals = { pools: { p: steadyGoal(draft, world.intent, "p") }, weights: ALL_PRIMARY };
    return mixMarkets(draft, goals, OBSERVED).pools["p"]!.cap;
  }

  it("are its number and its spare one", () => assert.equal(capWith(3), 5));

  it("are no more while the spare one is there that is not wanted any more: it has its place (final/5035)", () =>
    assert.equal(capWith(4), 5));

  it("are one more for each that it is on its way to do without", () => assert.equal(capWith(6), 7));
});
