import assert from "node:assert/strict";
import { AgentKeeper } from "../../provider/agent/keeper";
import { ServeError } from "../../provider/core/errors";
import type { Store } from "../../provider/ports/store";

describe("whoever follows what an agent does", () => {
  const store = { identity: "project/dev/chat", location: "/state/chat" } as Store;

  it("starts it a few times when it does not stay, and then says so and where to look", async () => {
    let [now, starts] = [0, 0];
    const keeper = new AgentKeeper(store, { now: () => now }, () => Promise.resolve(++starts > 0 && "started"));
    const follow = async (): Promise<void> => {
      for (; now < 3_600_000; now += 1_000) await keeper.keep();
    };
    await assert.rejects(follow(), (error: unknown) => {
      assert.ok(error instanceof ServeError && error.code === "AgentUnreachable");
      assert.match(
        error.message,
        /project\/dev\/chat was started 4 times and did not stay: see \/state\/chat\/agent\.log/,
      );
      return true;
    });
    assert.equal(starts, 5);
  });

  it("does not start another one while the first takes its time", async () => {
    let [now, starts] = [0, 0];
    const keeper = new AgentKeeper(store, { now: () => now }, () => Promise.resolve(++starts > 0 && "started"));
    for (; now < 6_000; now += 100) await keeper.keep();
    assert.equal(starts, 1);
  });
});
