import assert from "node:assert/strict";
import type { Command, Verb } from "../../provider/core/command";
import type { KeptVersion, State } from "../../provider/core/state";
import type { Store } from "../../provider/ports/store";
import { ownStateHome } from "../controller/stored-service";
import { poolSpec } from "../simulation/intents";
import { removeFolders } from "../store/folders";
import { pulumiServe, type CliResult } from "./run-cli";
import { rollingWorld, servingWorld, stored } from "./stored-world";

describe("pulumi-serve rollout", () => {
  let restore: () => void;
  beforeEach(() => (restore = ownStateHome()));
  afterEach(() => {
    restore();
    removeFolders();
  });

  const serving = (change?: (state: State) => void) => stored("project/dev/chat", servingWorld(), change);
  const rolling = (change?: (state: State) => void) => stored("project/dev/chat", rollingWorld(), change);
  const back = (state: State) => {
    const mode = { mode: "safe" } as const;
    state.rollout!.direction = {
      kind: "back",
      reason: "it was so",
      rejects: true,
      cause: "operator",
      mode,
      walk: "continuous",
    };
  };

  const rollout = (...args: string[]) => pulumiServe("rollout", ...args);
  const said = async (store: Store): Promise<Verb[]> =>
    (await store.readIntent()).value.commands.given.map(({ seq: _, ...verb }: Command) => verb);

  async function done(answer: Promise<CliResult>, line: RegExp): Promise<void> {
    const { code, out, err } = await answer;
    assert.equal(code, 0, err);
    assert.match(out, line);
  }

  async function refused(answer: Promise<CliResult>, sentence: RegExp): Promise<void> {
    const { code, err } = await answer;
    assert.equal(code, 1);
    assert.match(err, sentence);
  }

  describe("abort", () => {
    it("is said once, however often it is asked", async () => {
      const store = await rolling();
      await done(rollout("abort"), /goes back/);
      await done(rollout("abort"), /asked for already/);
      await done(rollout("rollback"), /asked for already/);
      assert.deepEqual(await said(store), [{ kind: "abort", mode: null }]);
    });

    it("says how to go back", async () => {
      const store = await rolling();
      await done(rollout("abort", "--mode", "gradual", "--max-surge-percent", "50"), /goes back/);
      assert.deepEqual(await said(store), [{ kind: "abort", mode: { mode: "gradual", maxSurgePercent: 50 } }]);
    });

    it("goes back gradually by the rollout's own surge unless told otherwise", async () => {
      const store = await rolling();
      await done(rollout("abort", "--mode", "gradual"), /goes back/);
      assert.deepEqual(await said(store), [{ kind: "abort", mode: { mode: "gradual", maxSurgePercent: 25 } }]);
    });

    it("finds a rollout that goes back already as it should be", async () => {
      const store = await rolling(back);
      await done(rollout("abort"), /going back already \(safe\)/);
      assert.deepEqual(await said(store), []);
    });

    it("may still ask for another way back", async () => {
      const store = await rolling(back);
      await refused(rollout("abort", "--mode", "immediate"), /Add --yes/);
      await done(rollout("abort", "--mode", "immediate", "--yes"), /goes back/);
      await done(rollout("rollback", "--mode", "immediate"), /asked for already/);
      await done(rollout("abort", "--mode", "safe"), /goes back/);
      assert.equal((await said(store)).length, 2);
    });

    it("refuses when no rollout is in progress", async () => {
      const store = await serving();
      await refused(rollout("abort"), /No rollout is in progress: nothing to abort/);
      assert.deepEqual(await said(store), []);
    });
  });

  describe("an immediate rollback", () => {
    it("shows the overload that it predicts, and is said only when that is meant", async () => {
      const store = await rolling((state) => {
        // All but two of the four primary replicas are gone: those would get twice their load.
        const replicas = Object.entries(state.replicas);
        const ready = replicas.filter(([, { revision, status }]) => revision === "a" && status === "ready");
        const gone = ready.slice(2).map(([id]) => id);
        state.replicas = Object.fromEntries(replicas.filter(([id]) => !gone.includes(id)));
      });
      const overload = /each primary replica of pool p would get 2\.00 times its load/;
      await refused(rollout("rollback", "--mode", "immediate"), overload);
      await refused(rollout("abort", "--mode", "immediate"), /Add --yes/);
      assert.deepEqual(await said(store), []);
      await done(rollout("rollback", "--mode", "immediate", "--yes"), overload);
      assert.deepEqual(await said(store), [{ kind: "rollback", mode: { mode: "immediate" }, toVersion: null }]);
    });

    it("says so when nothing is left to go back to at once", async () => {
      await rolling((state) => {
        for (const replica of Object.values(state.replicas)) if (replica.revision === "a") replica.status = "notReady";
      });
      await refused(rollout("abort", "--mode", "immediate"), /pool p has no ready primary replica/);
    });

    it("needs the same when it is the program that made it the way to go back", async () => {
      const world = rollingWorld();
      world.intent.rollout!.strategy.rollback = { mode: "immediate" };
      await stored("project/dev/chat", world);
      await refused(rollout("abort"), /Add --yes/);
    });

    it("overloads nothing after the end, as no replica of a kept version is up", async () => {
      const store = await serving(kept(3, 2));
      await done(
        rollout("rollback", "--mode", "immediate"),
        /No replica of version 3 is up that could take traffic at once/,
      );
      assert.equal((await said(store)).length, 1);
    });
  });

  describe("rollback", () => {
    it("brings back the version before, by its number", async () => {
      const store = await serving(kept(3, 2));
      await done(rollout("rollback"), /Version 3 comes back, and version 1 is not tried again by itself/);
      await done(rollout("rollback"), /asked for already/);
      await done(rollout("rollback", "--to-version", "3"), /asked for already/);
      assert.deepEqual(await said(store), [{ kind: "rollback", mode: null, toVersion: 3 }]);
    });

    it("brings back any kept version", async () => {
      const store = await serving(kept(3, 2));
      await done(rollout("rollback", "--to-version", "2", "--mode", "safe"), /Version 2 comes back/);
      assert.deepEqual(await said(store), [{ kind: "rollback", mode: { mode: "safe" }, toVersion: 2 }]);
    });

    it("sends a rollout in progress back", async () => {
      const store = await rolling();
      await done(rollout("rollback", "--to-version", "1"), /goes back/);
      await done(rollout("abort"), /asked for already/);
      assert.deepEqual(await said(store), [{ kind: "rollback", mode: null, toVersion: 1 }]);
    });

    it("does not undo itself when it is asked again while it is on its way", async () => {
      const store = await rolling((state) => (state.rollout!.origin = { kind: "operator", reason: "an operator" }));
      await done(rollout("rollback"), /rollback to version 2 is on its way already/);
      await done(rollout("rollback", "--to-version", "2"), /on its way already/);
      assert.deepEqual(await said(store), []);
    });

    it("refuses what cannot be, with the versions that there are", async () => {
      const store = await serving(kept(3, 2));
      await refused(rollout("rollback", "--to-version", "7"), /Version 7 is not kept\. Kept: 3, 2\./);
      await refused(rollout("rollback", "--to-version", "1"), /Version 1 serves already/);
      await refused(rollout("rollback", "--max-surge-percent", "20"), /--max-surge-percent is for a gradual rollback/);
      await refused(rollout("rollback", "--mode", "gradual", "--max-surge-percent", "0"), /from 1 to 100/);
      assert.equal((await rollout("rollback", "--mode", "sideways")).code, 2);
      assert.equal((await rollout("rollback", "--to-version", "last")).code, 2);
      assert.deepEqual(await said(store), []);
    });

    it("refuses when nothing is kept", async () => {
      await serving();
      await refused(rollout("rollback"), /nothing to go back to: no earlier version is kept/);
    });

    it("refuses another version while a rollout is in progress", async () => {
      await rolling(kept(9));
      await refused(rollout("rollback", "--to-version", "9"), /can only go back to version 1, which serves/);
    });
  });

  describe("pause and resume", () => {
    it("are each said once, and the last word counts before any agent has read it", async () => {
      const store = await rolling();
      await done(rollout("pause"), /The rollout pauses/);
      await done(rollout("pause"), /asked for already/);
      await done(rollout("resume"), /The rollout goes on/);
      await done(rollout("resume"), /asked for already/);
      await done(rollout("pause"), /The rollout pauses/);
      assert.deepEqual(await said(store), [{ kind: "pause" }, { kind: "resume" }, { kind: "pause" }]);
    });

    it("find a paused rollout paused, and let it go on", async () => {
      const store = await rolling((state) => (state.rollout!.paused = { since: 0 }));
      await done(rollout("pause"), /paused already/);
      await done(rollout("resume"), /goes on/);
      assert.deepEqual(await said(store), [{ kind: "resume" }]);
    });

    it("refuse what makes no sense", async () => {
      await rolling();
      await refused(rollout("resume"), /not paused/);
      await done(rollout("abort"), /goes back/);
      await refused(rollout("pause"), /going back, and a rollback cannot be paused/);
      await stored("project/dev/calm", servingWorld());
      await refused(rollout("pause", "--service", "calm"), /nothing to pause/);
      await refused(rollout("resume", "--service", "calm"), /nothing to resume/);
    });
  });

  describe("promote", () => {
    const waits: [string, (rollout: NonNullable<State["rollout"]>) => void, RegExp][] = [
      ["a hold", (progress) => (progress.held = { percent: 10, since: 0 }), /goes on to 100 %/],
      ["a pause", (progress) => (progress.paused = { since: 0 }), /The pause ends/],
      [
        "a bake",
        (progress) => {
          progress.settledAt = 1;
          progress.strategy.bakeSeconds = 60;
        },
        /The bake ends/,
      ],
      ["a gate without verdict", (progress) => (progress.settledAt = 1), /The wait for the gates ends/],
    ];
    for (const [name, change, line] of waits) {
      it(`ends ${name}, and is said once`, async () => {
        const store = await rolling((state) => change(state.rollout!));
        await done(rollout("promote"), line);
        await done(rollout("promote"), /asked for already/);
        assert.deepEqual(await said(store), [{ kind: "promote", force: false }]);
      });
    }

    it("passes a failing gate by force alone", async () => {
      const store = await rolling(({ rollout: progress }) => {
        const verdict = { kind: "failed", reason: "5 % of the canary's requests fail" } as const;
        progress!.settledAt = 1;
        progress!.gate = { cursor: progress!.cursor, baseline: {}, verdict, about: "" };
      });
      await refused(rollout("promote"), /A gate fails: 5 % of the canary's requests fail.*--force/);
      await done(rollout("promote", "--force"), /goes on/);
      assert.deepEqual(await said(store), [{ kind: "promote", force: true }]);
    });

    it("may be forced after it was asked for plainly, and not the other way round", async () => {
      const store = await rolling((state) => (state.rollout!.held = { percent: 10, since: 0 }));
      await done(rollout("promote"), /goes on/);
      await done(rollout("promote", "--force"), /goes on/);
      await done(rollout("promote"), /asked for already/);
      assert.equal((await said(store)).length, 2);
    });

    it("turns a way back round whose primary does not come up, by force alone", async () => {
      const store = await rolling((state) => {
        back(state);
        const { direction } = state.rollout!;
        if (direction.kind === "back") direction.awaits = { pool: "p", since: 0 };
      });
      await refused(rollout("promote"), /does not come up in pool "p": `--force` goes on to version 2/);
      await done(rollout("promote", "--force"), /goes on to version 2/);
      await done(rollout("promote", "--force"), /asked for already/);
      assert.deepEqual(await said(store), [{ kind: "promote", force: true }]);
    });

    it("refuses when nothing waits, when the canary failed, and after an abort", async () => {
      await rolling();
      await refused(rollout("promote"), /Nothing waits/);
      await done(rollout("abort"), /goes back/);
      await refused(rollout("promote"), /going back wins/);
      await stored("project/dev/calm", servingWorld());
      await refused(rollout("promote", "--service", "calm"), /nothing to promote/);
      await stored("project/dev/sick", rollingWorld(), (state) => (state.rollout!.failed = "exit code 3"));
      await refused(rollout("promote", "--service", "sick"), /exit code 3.*--force/);
    });
  });

  it("retries once, and only what is rejected", async () => {
    await serving();
    await done(rollout("retry"), /No revision is rejected/);
    const store = await stored("project/dev/rejected", servingWorld(), ({ rejected }) => {
      rejected["key"] = { reason: "it failed", cause: "canaryFailed", at: 0, version: 2 };
    });
    await done(rollout("retry", "--service", "rejected"), /may be tried again/);
    await done(rollout("retry", "--service", "rejected"), /asked for already/);
    assert.deepEqual(await said(store), [{ kind: "retry" }]);
  });

  it("refuses every verb of a service that nobody drives, or that is being destroyed", async () => {
    const undriven = rollingWorld();
    undriven.intent.rollout!.driving = false;
    await stored("project/dev/undriven", undriven);
    const ending = rollingWorld();
    ending.intent.service.deleting = true;
    await stored("project/dev/ending", ending);
    for (const verb of ["rollback", "abort", "pause", "resume", "promote", "retry"]) {
      await refused(rollout(verb, "--service", "undriven"), /No Rollout drives project\/dev\/undriven/);
      await refused(rollout(verb, "--service", "ending"), /is being destroyed/);
    }
  });

  it("says it again when another writer was faster", async () => {
    const store = await rolling();
    const [first, second] = [rollout("pause"), rollout("abort")];
    await Promise.all([first, second]);
    const kinds = (await said(store)).map(({ kind }) => kind).sort();
    // Whichever came second judged what the first had made of it: nothing is lost, and nothing pauses what goes back.
    assert.ok(kinds.includes("abort"));
    assert.equal((await first).code === 0, kinds.includes("pause"));
  });
});

function kept(...versions: number[]): (state: State) => void {
  return (state) => {
    state.history = versions.map((version): KeptVersion => {
      const p = poolSpec("p", `v${version}`, 2);
      return { version, serviceRevision: `service-${version}`, pools: { p }, replacedAt: 0 };
    });
  };
}
