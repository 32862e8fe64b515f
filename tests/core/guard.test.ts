import assert from "node:assert/strict";
import { Draft } from "../../provider/core/draft";
import type { ServeEvent } from "../../provider/core/events";
import type { Move } from "../../provider/core/fleet/moves";
import { ALL_PRIMARY, NO_SIDE, ONE_VERSION, SHARES, type PoolGoal } from "../../provider/core/goals";
import { guard } from "../../provider/core/guard";
import type { State } from "../../provider/core/state";
import { poolSpec } from "../simulation/intents";
import { deploy, readyOf, serving, weights } from "../simulation/one-pool";
import type { World } from "../simulation/world";

type Refusal = Omit<Extract<ServeEvent, { kind: "guardRefused" }>, "seq" | "at" | "epoch">;

/** Who ends a replica where he must not is a mistake elsewhere: here it is made on purpose. */
describe("the guard", () => {
  const goal: PoolGoal = {
    primary: { replicas: 2, steady: 2 },
    canary: NO_SIDE,
    split: ONE_VERSION,
    keeps: SHARES,
    exchange: "newVm",
    cap: 3,
    moving: false,
    leaving: false,
  };

  function judge(state: State, now: number, moves: Move[], changed: Partial<PoolGoal> = {}) {
    const draft = new Draft(state, now);
    const goals = { pools: { p: { ...goal, ...changed } }, weights: ALL_PRIMARY };
    const allowed = guard(draft, goals, moves);
    return { allowed, events: draft.events as Refusal[], state: draft.finished() };
  }

  function drain({ state }: World, id: string): Move {
    const replica = state!.replicas[id]!;
    const side = replica.revision === "a" ? "primary" : "canary";
    return { kind: "drain", replica, side, reason: "a mistake" };
  }

  const launch: Move = {
    kind: "launch",
    pool: "p",
    side: "primary",
    spec: poolSpec("p", "a", 2),
    market: "onDemand",
    place: { zone: null, why: "" },
  };

  it("lets no launch pass the cap, and judges each by those before it", () => {
    const world = serving(2);
    const { allowed, events } = judge(world.state!, world.now, [launch, launch]);
    assert.deepEqual(allowed, [launch]);
    const reason = 'pool "p" has 3 VMs and may have 3';
    assert.deepEqual(events, [{ kind: "guardRefused", invariant: "cap", replica: null, reason }]);
  });

  it("keeps the last ready replica, whatever else is allowed", () => {
    const world = serving(2);
    const moves = [drain(world, "p-1"), drain(world, "p-2")];
    const { allowed, events } = judge(world.state!, world.now, moves, { keeps: { kind: "floor", ready: 1 } });
    assert.deepEqual(allowed, moves.slice(0, 1));
    const reason = 'it is the last ready replica of pool "p"';
    assert.deepEqual(events, [{ kind: "guardRefused", invariant: "lastHealthy", replica: "p-2", reason }]);
    assert.deepEqual(judge(world.state!, world.now, moves, { leaving: true }).allowed, moves, "but of a deleted pool");
  });

  it("keeps the ready replicas that a version's traffic needs", () => {
    const world = serving(2);
    const { allowed, events } = judge(world.state!, world.now, [drain(world, "p-1")]);
    assert.deepEqual([allowed, events[0]!.invariant], [[], "capacity"]);
    assert.equal(events[0]!.reason, "1 of 2 ready primary replicas would be left for 100 % of the traffic");
  });

  it("keeps the last replica of a version that has traffic, though the other one is whole", () => {
    const world = serving(2);
    deploy(world, "b", 2);
    world.until(() => weights(world).canary === 25 && readyOf(world, "a") === 2);
    const canary = Object.values(world.state!.replicas).find(({ revision }) => revision === "b")!;
    const shares = { kind: "shares", weights: weights(world) } as const;
    const side = { replicas: 1, steady: 2 };
    const { allowed, events } = judge(world.state!, world.now, [drain(world, canary.id)], {
      canary: side,
      split: shares,
    });
    assert.deepEqual([allowed, events[0]!.invariant, events[0]!.replica], [[], "oneEach", canary.id]);
  });

  it("says a refusal once, however often the move is proposed, and again after it was allowed", () => {
    const world = serving(2);
    const moves = [drain(world, "p-1")];
    const first = judge(world.state!, world.now, moves);
    assert.deepEqual(first.state.refused, { "p-1": "capacity" });
    const second = judge(first.state, world.now, moves);
    assert.deepEqual([second.allowed, second.events], [[], []]);
    const third = judge(second.state, world.now, []);
    assert.deepEqual(third.state.refused, {});
    assert.equal(judge(third.state, world.now, moves).events.length, 1);
  });
});
