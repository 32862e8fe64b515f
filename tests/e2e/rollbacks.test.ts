import assert from "node:assert/strict";
import type { RoutedPool } from "../../provider/core/events";
import type { RolloutProgress, State } from "../../provider/core/state";
import { watchCapacity } from "./harness/capacity";
import type { CommandResult } from "./harness/command";
import { assertUnharmed, Deployment } from "./harness/deployment";

describe("each way back, through the CLI and under load", function () {
  this.timeout(300_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.up({ replicas: 4, maxSurgePercent: 25 });
  });
  after(() => deployment?.dispose());

  const traffic = ({ routing: { weights } }: State): number =>
    (100 * weights.canary) / (weights.canary + weights.primary);
  const rollout = (...args: string[]): Promise<CommandResult> =>
    deployment.workspace.mustServe("rollout", ...args, "--service", deployment.service.identity);

  /** Starts an `up` of a new model, acts where the canary has this share of the traffic, and waits for the `up`'s end. */
  async function actAt(percent: number, act: () => Promise<unknown>): Promise<CommandResult> {
    await deployment.changeTemplate();
    const up = deployment.workspace.start(["up", "--yes", "--skip-preview"]);
    await deployment.during(`the canary has ${percent} %`, (_: RolloutProgress, state) => traffic(state) >= percent);
    // Held there: on a busy computer the rollout may be over before the CLI has started.
    await deployment.service.tell({ kind: "pause" });
    await act();
    return up.done;
  }

  /** What the pool's routing was from the moment at which the way back of the last rollout began. */
  async function wayBack(from: number): Promise<{ mode: string; way: RoutedPool[] }> {
    const events = await deployment.service.events(from);
    const begun = events.findIndex(({ kind }) => kind === "rollingBack");
    const beginning = events[begun]!;
    assert.ok(beginning.kind === "rollingBack");
    const before = events.slice(0, begun).findLastIndex(({ kind }) => kind === "routed");
    const way = events.slice(before).flatMap((event) => (event.kind === "routed" ? Object.values(event.pools) : []));
    return { mode: beginning.mode, way };
  }

  /** The canary's share of the traffic, in percent, step by step. */
  function shares(way: readonly RoutedPool[]): number[] {
    const all = way.map(({ canary, primary }) => {
      const weight = canary?.weight ?? 0;
      return (100 * weight) / (weight + (primary?.weight ?? 0));
    });
    return all.filter((share, at) => share !== all[at - 1]);
  }

  for (const percent of [25, 50, 75]) {
    it(`safe, from ${percent} %, loses no request and no capacity`, async () => {
      const before = await deployment.servedModel();
      const report = await deployment.underLoad(async () => {
        const seen = await watchCapacity(deployment.service, async () => {
          const { code, output } = await actAt(percent, () => rollout("abort"));
          assert.notEqual(code, 0, "an up whose revision does not serve must not succeed");
          assert.match(output, /operator/);
        });
        assert.ok(seen.readyMin >= 4 && seen.peak <= 5, JSON.stringify(seen));
      });
      assertUnharmed(report);
      assert.equal(await deployment.servedModel(), before);
      await deployment.assertSound();
    });
  }

  it("gradual goes back by a surge of its own", async () => {
    const before = await deployment.servedModel();
    const from = (await deployment.service.events()).length;
    const report = await deployment.underLoad(async () => {
      const seen = await watchCapacity(deployment.service, async () => {
        const { code } = await actAt(50, () => rollout("rollback", "--mode", "gradual", "--max-surge-percent", "25"));
        assert.notEqual(code, 0);
      });
      assert.ok(seen.readyMin >= 4 && seen.peak <= 5, JSON.stringify(seen));
    });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), before);
    const { way, mode } = await wayBack(from);
    assert.equal(mode, "gradual");
    assert.deepEqual(shares(way), [50, 25, 0]);
    await deployment.assertSound();
  });

  it("immediate gives the primary everything at once, N/p of its load as was said, and the queue carries what it cannot", async () => {
    const before = await deployment.servedModel();
    const from = (await deployment.service.events()).length;
    let said = "";
    const report = await deployment.underLoad(async () => {
      const { code } = await actAt(50, async () => {
        await deployment.during("it is paused and nothing moves", ({ paused }, { replicas }) => {
          return paused !== null && Object.values(replicas).every(({ status }) => status === "ready");
        });
        const unsure = ["rollout", "rollback", "--mode", "immediate", "--service", deployment.service.identity];
        const { code, output } = await deployment.workspace.serve(...unsure);
        assert.notEqual(code, 0, "an overload must be meant");
        said = /would get ([\d.]+) times its load/.exec(output)![1]!;
        await rollout("rollback", "--mode", "immediate", "--yes");
      });
      assert.notEqual(code, 0);
    });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), before);
    const { way, mode } = await wayBack(from);
    assert.equal(mode, "immediate");
    assert.deepEqual(shares(way), [50, 0]);
    const { primary } = way.find(({ canary }) => (canary?.weight ?? 0) === 0)!;
    assert.ok(primary!.replicas.length < 4, "some of its capacity had gone");
    assert.equal((4 / primary!.replicas.length).toFixed(2), said);
    await deployment.assertSound();
  });

  it("never starts a rejected revision again by itself, however often up is run", async () => {
    const launches = async (): Promise<number> =>
      (await deployment.service.events()).filter(({ kind }) => kind === "replicaLaunching").length;
    const before = await launches();
    for (let count = 0; count < 2; count += 1) {
      const { code, output } = await deployment.workspace.up();
      assert.notEqual(code, 0);
      assert.match(output, /rejected/);
    }
    assert.equal(await launches(), before);
  });

  it("after a promotion brings the version before back, and status, refresh and up tell one story", async () => {
    const before = await deployment.servedModel();
    const promoted = await deployment.changeTemplate();
    await deployment.workspace.mustUp();
    assert.equal(await deployment.servedModel(), promoted);
    const report = await deployment.underLoad(async () => {
      await rollout("rollback", "--yes");
      await deployment.during("the way back has begun", ({ origin }) => origin.kind === "operator");
      await deployment.service.rolloutIsOver();
    });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), before);
    const { stdout } = await deployment.workspace.mustServe("status", deployment.service.identity);
    assert.match(stdout, /rejected/);
    await deployment.workspace.must("refresh", "--yes", "--skip-preview");
    const { code, output } = await deployment.workspace.up();
    assert.notEqual(code, 0);
    assert.match(output, /operator/);
    assert.equal(await deployment.servedModel(), before);
    await deployment.assertSound();
  });

  it("A to B to C in mid-rollout drains B inside the cap and ends at C", async () => {
    const report = await deployment.underLoad(async () => {
      const seen = await watchCapacity(deployment.service, async () => {
        let c = "";
        const first = await actAt(50, async () => {
          // A second person, whose CLI does not know of the first one's lock: as after a kill.
          await deployment.workspace.must("cancel", "--yes");
          c = await deployment.changeTemplate();
          await deployment.workspace.mustUp();
        });
        assert.notEqual(first.code, 0, "the first up must say that it was superseded");
        assert.equal(await deployment.servedModel(), c);
      });
      assert.ok(seen.readyMin >= 4 && seen.peak <= 5, JSON.stringify(seen));
    });
    assertUnharmed(report);
    await deployment.assertSound();
  });

  it("A to B to A in mid-rollout is just the way back, and rejects nothing", async () => {
    const a = await deployment.servedModel();
    const report = await deployment.underLoad(async () => {
      await actAt(50, async () => {
        await deployment.workspace.must("cancel", "--yes");
        await deployment.workspace.configure({ model: a });
        await deployment.workspace.mustUp();
      });
    });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), a);
    await deployment.workspace.must("up", "--yes", "--skip-preview", "--expect-no-changes");
    await deployment.assertSound();
  });

  it("pause holds what is under way, resume lets it go on, and up is over when it is", async () => {
    const report = await deployment.underLoad(async () => {
      const { code } = await actAt(25, async () => {
        await rollout("pause");
        await deployment.during("it is paused", ({ paused }) => paused !== null);
        await rollout("resume");
      });
      assert.equal(code, 0);
    });
    assertUnharmed(report);
    await deployment.assertSound();
  });
});
