import assert from "node:assert/strict";
import { decide } from "../../../provider/core/decide";
import type { LaunchFailure, Observed } from "../../../provider/core/observed";
import type { State } from "../../../provider/core/state";
import { intentOf, poolSpec } from "../../simulation/intents";

const NOW = 1_000_000;

function look(launchErrors: LaunchFailure[] = []): Observed {
  return { vms: [], probes: {}, dataplane: null, launchErrors, reconfigured: {}, gateAnswers: {} };
}

function failure(replicaId: string, scope: LaunchFailure["scope"]): LaunchFailure {
  return { replicaId, code: "LaunchFailed", scope, message: "no answer in time" };
}

describe("a launch that failed", () => {
  const intent = intentOf([poolSpec("p", "a", 1)]);
  const tick = (state: State | null, observed: Observed, at: number) => decide(intent, 1, state, observed, at, 1);
  const launching = () => tick(null, look(), NOW).state;
  const replicas = (state: State) => Object.values(state.replicas).map(({ id, status }) => `${id} ${status}`);

  it("is ended and counted until it is seen to be gone, where the cloud may have made the VM all the same", () => {
    const failed = tick(launching(), look([failure("p-1", "account")]), NOW + 100);
    assert.deepEqual(replicas(failed.state), ["p-1 terminating"]);
    assert.ok(failed.actions.some((action) => action.kind === "terminate" && action.replicaId === "p-1"));

    const blind = tick(failed.state, { ...look(), vms: null }, NOW + 10_000);
    assert.ok(replicas(blind.state).includes("p-1 terminating"), "a look that failed shows nothing");
    const seen = tick(blind.state, look(), NOW + 20_000);
    assert.ok(!replicas(seen.state).some((replica) => replica.startsWith("p-1 ")));
  });

  it("is forgotten at once where the cloud had nothing to give", () => {
    const refused = tick(launching(), look([failure("p-1", "zoneAndType")]), NOW + 100);
    assert.deepEqual(replicas(refused.state), []);
  });

  it("for want of capacity is paced also when the revision has failed before", () => {
    const before = launching();
    const pool = before.pools["p"]!;
    const failures = { revision: "a", count: 1, reason: "it ended", retryAt: NOW, capacity: false };
    const state = { ...before, pools: { p: { ...pool, hasServed: true, failures } } };
    const refused = tick(state, look([failure("p-1", "market")]), NOW + 100).state;
    assert.deepEqual(replicas(tick(refused, look(), NOW + 200).state), []);
    assert.equal(refused.pools["p"]!.failures!.count, 1);
    assert.deepEqual(replicas(tick(refused, look(), NOW + 5_000).state), ["p-2 launching"]);
  });

  it("for want of capacity stays so, and paced, whatever was ready before: until one that was launched since is ready", () => {
    const two = intentOf([poolSpec("p", "a", 2)]);
    const running = (replicaId: string) => ({
      replicaId,
      state: "running" as const,
      address: { host: "127.0.0.1", port: 1 },
      zone: "a",
      market: "onDemand" as const,
      exit: null,
      restarts: 0,
    });
    const seeing = (at: number, ...ids: string[]): Observed => ({
      ...look(),
      vms: ids.map(running),
      probes: Object.fromEntries(
        ids.map((id) => [id, { consecutiveSuccesses: 3, consecutiveFailures: 0, passingSince: at, lastError: null }]),
      ),
    });
    const next = (state: State | null, observed: Observed, at: number) => decide(two, 1, state, observed, at, 1).state;
    const lacks = (state: State) => state.pools["p"]!.failures?.capacity ?? false;
    let state = next(null, look(), NOW);
    const refusal = { ...seeing(NOW, "p-1"), launchErrors: [failure("p-2", "zoneAndType" as const)] };
    state = next(state, refusal, NOW + 100);
    for (let at = NOW + 200; at < NOW + 2_100; at += 100) {
      state = next(state, seeing(NOW, "p-1"), at);
      assert.deepEqual([replicas(state), lacks(state)], [["p-1 ready"], true]);
    }
    state = next(state, seeing(NOW, "p-1"), NOW + 2_200);
    assert.deepEqual([replicas(state), lacks(state)], [["p-1 ready", "p-3 launching"], true]);
    state = next(state, seeing(NOW + 3_000, "p-1", "p-3"), NOW + 3_000);
    state = next(state, seeing(NOW + 3_000, "p-1", "p-3"), NOW + 3_100);
    state = next(state, seeing(NOW + 3_000, "p-1", "p-3"), NOW + 3_200);
    assert.deepEqual([replicas(state), lacks(state)], [["p-1 ready", "p-3 ready"], false]);
  });

  it("is given up when the cloud shows no VM within the startup grace", () => {
    const before = launching();
    assert.deepEqual(replicas(tick(before, look(), NOW + 59_000).state), ["p-1 launching"]);
    const late = tick(before, look(), NOW + 61_000).state;
    assert.deepEqual(replicas(late), ["p-1 terminating"]);
    assert.equal(late.pools["p"]!.failures!.capacity, true, "the cloud is to blame, not the revision");
  });

  it("gives a replica that could not be seen for long its whole grace once it is", () => {
    const vm = { replicaId: "p-1", state: "running", zone: "a", market: "onDemand", exit: null, restarts: 0 } as const;
    const seen = { ...look(), vms: [{ ...vm, address: { host: "127.0.0.1", port: 1 } }] };
    const found = tick(tick(launching(), { ...look(), vms: null }, NOW + 200_000).state, seen, NOW + 200_100).state;
    assert.deepEqual(replicas(found), ["p-1 starting"]);
    assert.deepEqual(replicas(tick(found, seen, NOW + 259_000).state), ["p-1 starting"]);
    assert.deepEqual(replicas(tick(found, seen, NOW + 261_000).state), ["p-1 terminating"]);
  });
});
