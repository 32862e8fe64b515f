import assert from "node:assert/strict";
import { Executor } from "../../provider/controller/act";
import type { Store } from "../../provider/ports/store";
import { ScriptedParts } from "./scripted-parts";

const HOUR_MS = 3_600_000;

describe("the pause after an action that failed", () => {
  it("is over when the clock is put back, and does not last until it is that late again (final/3413)", async () => {
    const parts = new ScriptedParts({} as Store).parts();
    let now = 10 * HOUR_MS;
    let asked = 0;
    const terminate = () => {
      asked += 1;
      return Promise.reject(new Error("slow down"));
    };
    const executor = new Executor(
      { ...parts, clock: { now: () => now }, cloud: { ...parts.cloud, terminate } },
      1,
      () => undefined,
      () => undefined,
    );
    const tick = async () => {
      executor.beginLook();
      executor.start([{ kind: "terminate", replicaId: "p-1", reason: "not in the service's state" }]);
      await new Promise((resolve) => setImmediate(resolve));
    };
    await tick();
    await tick();
    assert.equal(asked, 1, "it pauses");
    now -= HOUR_MS;
    await tick();
    assert.equal(asked, 2);
    await tick();
    assert.equal(asked, 2, "it pauses again");
  });
});
