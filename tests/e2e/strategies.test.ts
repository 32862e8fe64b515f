import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { RolloutPlan } from "../../provider/core/plan/rollout-plan";
import { programIn, serverFolders } from "../../provider/host/on-path";
import type { StrategyArgs } from "../../sdk/strategy";
import { watchCapacity, type CapacitySeen } from "./harness/capacity";
import { assertUnharmed, Deployment } from "./harness/deployment";

describe("each way to roll out, through the CLI and under load", function () {
  this.timeout(300_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.up({ replicas: 4, maxSurgePercent: 25 });
  });
  after(() => deployment?.dispose());

  /** Rolls a new model out by this strategy; nobody may notice. That an `up` keeps the previewed plan is the lifecycle's test. */
  async function rollOut(strategy: StrategyArgs): Promise<CapacitySeen & { plan: RolloutPlan }> {
    const model = await deployment.changeTemplate(strategy);
    const plan = await previewed();
    let seen: CapacitySeen | null = null;
    const report = await deployment.underLoad(async () => {
      seen = await watchCapacity(deployment.service, () => deployment.workspace.mustUp());
    });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), model);
    await deployment.assertSound();
    return { ...seen!, plan };
  }

  async function previewed(): Promise<RolloutPlan> {
    const steps = await deployment.workspace.previewSteps();
    return steps.find(({ urn }) => urn.includes("Rollout::"))!.newState.inputs["plan"] as RolloutPlan;
  }

  /** The share of the capacity that was lost must be the one that the preview foretold. */
  function assertLost({ readyMin, plan }: { readyMin: number; plan: RolloutPlan }): void {
    const foretold = /at most (\d+) of (\d+) replicas down at once, ([\d.]+) % of its capacity/.exec(
      plan.notes.join("\n"),
    );
    assert.ok(foretold, plan.notes.join("\n"));
    const [down, replicas, percent] = foretold.slice(1).map(Number);
    assert.equal(readyMin, replicas! - down!);
    assert.equal((100 * (replicas! - readyMin)) / replicas!, percent);
  }

  it("blueGreen brings a whole second fleet up and never mixes versions", async () => {
    const from = (await deployment.service.events()).length;
    const { peak, readyMin, plan } = await rollOut({ kind: "blueGreen" });
    assert.equal(plan.peakReplicas, 8);
    assert.match(plan.notes.join("\n"), /a whole second fleet comes up, then all traffic changes over at once/);
    assert.equal(peak, 8);
    assert.ok(readyMin >= 4);
    for (const event of await deployment.service.events(from)) {
      if (event.kind !== "routed") continue;
      for (const { primary, canary } of Object.values(event.pools)) {
        assert.ok((primary?.weight ?? 0) === 0 || (canary?.weight ?? 0) === 0, "both versions had traffic");
      }
    }
  });

  it("rolling with startFirst has one replica more and never one less", async () => {
    const { peak, readyMin, plan } = await rollOut({ kind: "rolling", order: "startFirst" });
    assert.match(plan.notes.join("\n"), /never fewer than 4 replicas/);
    assert.equal(plan.peakReplicas, 5);
    assert.equal(peak, 5);
    assert.ok(readyMin >= 4, `${readyMin} ready`);
  });

  it("rolling with surge 0 loses no more capacity than its plan says, and no request", async () => {
    const seen = await rollOut({ kind: "rolling", maxUnavailablePercent: 25 });
    assert.equal(seen.peak, 4);
    assert.equal(seen.readyMin, 3);
    assertLost(seen);
  });

  it("inPlace restarts replicas on the VMs that they have, each with traffic by its capacityWeight", async () => {
    const before = Object.keys((await deployment.service.state())!.replicas);
    deployment.workspace.replace("index.ts", `readiness: { path: "/health" }`, `capacityWeight: 2,\n  $&`);
    const from = (await deployment.service.events()).length;
    const seen = await rollOut({ kind: "inPlace", maxUnavailablePercent: 25 });
    assert.equal(seen.peak, 4);
    assert.equal(seen.readyMin, 3);
    assertLost(seen);
    assert.deepEqual(Object.keys((await deployment.service.state())!.replicas), before);
    const splits = (await deployment.service.events(from)).flatMap((event) =>
      event.kind === "routed" ? Object.values(event.pools) : [],
    );
    const mixed = splits.filter(({ canary, primary }) => canary?.replicas.length && primary?.replicas.length);
    assert.ok(mixed.length > 0);
    for (const { canary, primary } of mixed) {
      const each = [canary!.weight / canary!.replicas.length, primary!.weight / primary!.replicas.length];
      assert.deepEqual(each, [2, 1], "a replica of twice the capacity gets twice the traffic");
    }
  });

  it("inPlace restarts nothing for a light change", async () => {
    const before = deployment.workspace.processes().map(({ pid }) => pid);
    deployment.workspace.replace("index.ts", `readiness: { path: "/health" }`, `readiness: { path: "/health?deep" }`);
    assertUnharmed(await deployment.underLoad(async () => void (await deployment.workspace.mustUp())));
    const after = new Set(deployment.workspace.processes().map(({ pid }) => pid));
    assert.deepEqual(
      before.filter((pid) => !after.has(pid)),
      [],
    );
  });

  it("inPlace refuses a change that needs other machines, in preview", async () => {
    deployment.workspace.replace(
      "index.ts",
      `route: "/",\n  template: {`,
      `route: "/",\n  template: { resources: { cpus: 1 },`,
    );
    const { code, output } = await deployment.workspace.pulumi(["preview"]);
    assert.notEqual(code, 0);
    assert.match(output, /inPlace/);
    deployment.workspace.replace("index.ts", ` resources: { cpus: 1 },`, "");
  });

  it("canaryPercent holds at 10 %, goes down to 5 %, on to 40 %, and from there to 100", async () => {
    const model = await deployment.changeTemplate({ canaryPercent: 10 });
    assert.match((await previewed()).notes.join("\n"), /holds at 10 % until `canaryPercent` is raised/);
    const report = await deployment.underLoad(async () => {
      for (const canaryPercent of [10, 5, 40]) {
        if (canaryPercent !== 10) await deployment.useStrategy({ canaryPercent });
        const { output } = await deployment.workspace.mustUp();
        assert.match(output, new RegExp(`held at ${canaryPercent} %`));
        const { routing, rollout } = (await deployment.service.state())!;
        assert.equal(rollout!.held!.percent, canaryPercent);
        assert.equal(
          (100 * routing.weights.canary) / (routing.weights.canary + routing.weights.primary),
          canaryPercent,
        );
        assert.equal(await deployment.servedModel("canary"), model);
        assert.notEqual(await deployment.servedModel("primary"), model);
      }
      await deployment.workspace.must("up", "--yes", "--skip-preview", "--expect-no-changes");
      await deployment.useStrategy({ canaryPercent: 100 });
      await deployment.workspace.mustUp();
    });
    assertUnharmed(report);
    assert.equal(await deployment.servedModel(), model);
    await deployment.assertSound();
  });

  it("canaryPercent 0 is one canary that only the version's header reaches", async () => {
    const before = await deployment.servedModel();
    const model = await deployment.changeTemplate({ canaryPercent: 0 });
    await deployment.workspace.mustUp();
    assert.equal(await deployment.servedModel("canary"), model);
    for (let time = 0; time < 20; time += 1) assert.equal(await deployment.servedModel(), before);
  });

  it("which curl can name", async function () {
    const curl = programIn(serverFolders(), "curl");
    if (curl === null) return this.skip();
    const models = await Promise.all(
      ["canary", "primary"].map(async (version) => {
        const field = `x-pulumi-serve-version: ${version}`;
        const { stdout } = await promisify(execFile)(curl, [
          "-sS",
          "--fail",
          "-H",
          field,
          `${deployment.url}/generate`,
        ]);
        return (JSON.parse(stdout) as { model: string }).model;
      }),
    );
    assert.deepEqual(models, [await deployment.servedModel("canary"), await deployment.servedModel()]);
    assert.notEqual(models[0], models[1]);
  });

  it("leaves nothing behind when it is destroyed in a hold", async () => {
    assert.equal((await deployment.service.state())!.rollout!.held!.percent, 0);
    await deployment.workspace.must("destroy", "--yes", "--skip-preview");
    await deployment.assertNothingLeft();
  });
});
