import assert from "node:assert/strict";
import type { RolloutProgress } from "../../provider/core/state";
import type { Props } from "../../provider/handlers/handler";
import { rolloutOutputs } from "../../provider/handlers/rollout-outputs";
import { openFileStore } from "../../provider/store/file";
import { rollingWorld, stored } from "../cli/stored-world";
import { ownStateHome } from "../controller/stored-service";
import { removeFolders } from "../store/folders";

const MINUTE = 60_000;

describe("the outputs of a Rollout in progress", () => {
  let restore: () => void;
  beforeEach(() => (restore = ownStateHome()));
  afterEach(() => {
    restore();
    removeFolders();
  });

  const waits: [string, (rollout: RolloutProgress) => void, { kind: string; reason: RegExp; seconds: number }][] = [
    [
      "holds",
      (rollout) => (rollout.held = { percent: 25, since: rollout.startedAt + 2 * MINUTE }),
      { kind: "held", reason: /version 2 is held at 25 %/, seconds: 120 },
    ],
    [
      "gets no capacity",
      (rollout) => (rollout.capacity = { since: rollout.startedAt + MINUTE, starved: true }),
      { kind: "capacityStarved", reason: /waits for capacity, for longer than capacityWaitSeconds/, seconds: 60 },
    ],
    [
      "has a failed canary and may not go back by itself",
      (rollout) => {
        rollout.failed = "exit code 3";
        rollout.stopped.since = rollout.startedAt + MINUTE;
      },
      { kind: "failed", reason: /automatic rollback off: exit code 3/, seconds: 60 },
    ],
  ];
  for (const [what, edit, { kind, reason, seconds }] of waits) {
    it(`say where it waits when it ${what}, and nothing that moves with the clock`, async () => {
      const store = await stored("shop/dev/chat", rollingWorld(), ({ rollout }) => edit(rollout!));
      const outs = await rolloutOutputs(store, {});
      const outcome = outs["outcome"] as Props;
      assert.deepEqual([outcome["kind"], outcome["version"], outcome["seconds"]], [kind, 2, seconds]);
      assert.match(String(outcome["reason"]), reason);
      assert.deepEqual([outs["version"], outs["rejected"]], [1, null], "what serves goes on serving");
      assert.deepEqual(await rolloutOutputs(store, {}), outs);
    });
  }

  it("tell of the last one that ended while it moves", async () => {
    const store = await stored("shop/dev/chat", rollingWorld());
    assert.equal((await rolloutOutputs(store, {}))["outcome"], null);
  });

  it("are there, and empty, without a store", async () => {
    const { outcome, rejected, keptVersions, version } = await rolloutOutputs(openFileStore("shop/dev/nothing"), {});
    assert.deepEqual([outcome, rejected, keptVersions, version], [null, null, [], null]);
  });
});
