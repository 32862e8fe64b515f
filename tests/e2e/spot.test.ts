import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { killReplica } from "../../provider/clouds/local";
import { Deployment } from "./harness/deployment";
import { eventually } from "./harness/eventually";

/** The seed document's example of spot policies, shown by the very tables that it shows, on the local target. */
describe("a pool on the spot market, through the CLI", function () {
  this.timeout(300_000);
  let deployment: Deployment;
  /** While it is not there no replica gets ready, so that what is on its way can be looked at for as long as that takes. */
  let gate: string;
  let spot = "fallbackAtStart: true, graceSeconds: 0, cautionSeconds: 0";

  before(async () => {
    deployment = await Deployment.prepare({ replicas: 2, bootSeconds: 0 });
    const { workspace } = deployment;
    gate = join(workspace.folder, "gate");
    const wait = `until [ -e ${gate} ]; do sleep 0.05; done; exec node server.js`;
    workspace.replace("index.ts", `run: "exec node server.js",`, `run: "${wait}",\n    resources: { cpus: 2 },`);
    workspace.replace("index.ts", `  bootSeconds:`, `  capacity: { spot: { ${spot} } },\n  bootSeconds:`);
  });
  after(() => deployment?.dispose());

  const open = () => writeFileSync(gate, "");
  const close = () => rmSync(gate, { force: true });

  async function redeclare(next: string): Promise<void> {
    deployment.workspace.replace("index.ts", `spot: { ${spot} }`, `spot: { ${next} }`);
    spot = next;
    await deployment.workspace.mustUp();
  }

  /** Waits for this many replicas of each market and status, such as "2 spot ready", and no others. */
  async function fleet(...wanted: string[]): Promise<void> {
    let seen: string[] = [];
    await eventually(
      wanted.join(", "),
      async () => {
        const replicas = Object.values((await deployment.service.state())?.replicas ?? {});
        const kinds = replicas.map(({ market, status }) => `${market} ${status}`);
        seen = [...new Set(kinds)].map((kind) => `${kinds.filter((each) => each === kind).length} ${kind}`);
        return seen.sort().join() === [...wanted].sort().join();
      },
      { seconds: 90 },
    ).catch((error: Error) => {
      throw new Error(`${error.message}; there is: ${seen.join(", ")}`);
    });
  }

  /** Both tables of `status`: REPLICAS of the service, then ID, RESOURCES and STATUS of each replica. */
  async function status(): Promise<{ service: string; replicas: string[] }> {
    const { stdout } = await deployment.workspace.mustServe("status");
    const rows = stdout.split("\n").map((line) => line.trim().split(/ {2,}/));
    const at = rows.findIndex(([name]) => name === "Service Replicas");
    const service = rows[2]!;
    const shown = rows.slice(
      at + 2,
      rows.findIndex((row, index) => index > at + 1 && row[0] !== "chat"),
    );
    for (const row of shown)
      assert.match(row[7]!, row[5]!.includes("cluster") ? /^n-[ab]$/ : /^local-[abc]$/, "REGION");
    return {
      service: `${service[3]} ${service[4]}`,
      replicas: shown.map(([, id, , , , resources, state]) => `${id} ${resources} ${state}`),
    };
  }

  it("begins with two spot and two on-demand replicas", async () => {
    const up = deployment.workspace.start(["up", "--yes", "--skip-preview"]);
    await fleet("2 spot starting", "2 onDemand starting");
    assert.deepEqual(await status(), {
      service: "REPLICA_INIT 0/4",
      replicas: [
        "chat-model-1 1x local([Spot]vCPU=2) STARTING",
        "chat-model-2 1x local([Spot]vCPU=2) STARTING",
        "chat-model-3 1x local(vCPU=2) STARTING",
        "chat-model-4 1x local(vCPU=2) STARTING",
      ],
    });
    open();
    assert.equal((await up.done).code, 0);
  });

  it("has no on-demand replica any more once the spot ones are ready", async () => {
    await fleet("2 spot ready");
    assert.deepEqual(await status(), {
      service: "READY 2/2",
      replicas: ["chat-model-1 1x local([Spot]vCPU=2) READY", "chat-model-2 1x local([Spot]vCPU=2) READY"],
    });
  });

  it("starts one spot and one on-demand replica when a spot one is lost, returns to spot, and loses no request", async () => {
    const report = await deployment.underLoad(async (load) => {
      close();
      load.replicaKilled("chat-model-1");
      await killReplica(deployment.service.places.folder, "chat-model-1");
      await fleet("1 spot ready", "1 spot starting", "1 onDemand starting");
      assert.deepEqual(await status(), {
        service: "READY 1/3",
        replicas: [
          "chat-model-2 1x local([Spot]vCPU=2) READY",
          "chat-model-5 1x local([Spot]vCPU=2) STARTING",
          "chat-model-6 1x local(vCPU=2) STARTING",
        ],
      });
      open();
      await fleet("2 spot ready");
    });
    assert.deepEqual({ failed: report.failed, cut: report.streamsCut }, { failed: 0, cut: 0 });
  });

  it("moves to a base of one on-demand replica, at once and without a rollout", async () => {
    await redeclare("baseOnDemandReplicas: 1, dynamicOnDemandFallback: false, cautionSeconds: 0");
    await fleet("1 spot ready", "1 onDemand ready");
  });

  it("has its base on a second target that has no spot, as Kubernetes has none, and loses no request on the way", async () => {
    const { workspace, service } = deployment;
    const zones = ["n-a", "n-b"].map((name) => ({ name, spotPrice: null, onDemandPrice: 0.5 }));
    writeFileSync(join(workspace.project, "cluster.json"), JSON.stringify({ zones }));
    workspace.replace("index.ts", `config.get("cloudFile") }),`, `config.get("cloudFile"), markets: ["spot"] }),`);
    const cluster = `serve.local({ name: "cluster", cloudFile: "cluster.json" })`;
    workspace.replace("index.ts", `  endpoint:`, `  additionalTargets: [${cluster}],\n  endpoint:`);
    await workspace.mustUp();
    const report = await deployment.underLoad(async (load) => {
      const [base] = Object.values((await service.state())!.replicas).filter(({ market }) => market === "onDemand");
      load.replicaKilled(base!.id);
      await killReplica(service.places.folder, base!.id);
      // Until then the fleet looks as it is to look again.
      const isMissed = async (): Promise<boolean> => (await service.state())!.replicas[base!.id]?.status !== "ready";
      await eventually("the lost one is missed", isMissed);
      await fleet("1 spot ready", "1 onDemand ready");
    });
    assert.deepEqual({ failed: report.failed, cut: report.streamsCut }, { failed: 0, cut: 0 });
    const { service: line, replicas } = await status();
    assert.equal(line, "READY 2/2");
    assert.deepEqual(replicas.map((row) => row.replace(/^chat-model-\d+ /, "")).sort(), [
      "1x cluster(vCPU=2) READY",
      "1x local([Spot]vCPU=2) READY",
    ]);
    const [base] = Object.values((await service.state())!.replicas).filter(({ market }) => market === "onDemand");
    await workspace.mustServe("logs", base!.id);
  });

  it("stands in for spot beside the base when a notice comes and spot gives nothing, and loses no request", async () => {
    const { workspace, service } = deployment;
    await redeclare("baseOnDemandReplicas: 1, graceSeconds: 0, cautionSeconds: 0");
    await fleet("1 spot ready", "1 onDemand ready");
    for (const zone of ["local-a", "local-b", "local-c"]) {
      await workspace.mustServe("local", "take-capacity", zone, "all", "--spot");
    }
    const report = await deployment.underLoad(async () => {
      const [taken] = Object.values((await service.state())!.replicas).filter(({ market }) => market === "spot");
      await workspace.mustServe("local", "notice", taken!.id, "--in", "30");
      await fleet("2 onDemand ready");
    });
    assert.deepEqual({ failed: report.failed, cut: report.streamsCut }, { failed: 0, cut: 0 });
    assert.match((await workspace.mustServe("status")).stdout, /spot gives nothing just now/);
    await deployment.assertSound();
  });

  it("refuses a base above the number of replicas in preview, naming the field", async () => {
    deployment.workspace.replace("index.ts", "baseOnDemandReplicas: 1", "baseOnDemandReplicas: 3");
    const preview = await deployment.workspace.pulumi(["preview"]);
    assert.notEqual(preview.code, 0);
    assert.match(preview.output, /capacity.spot.baseOnDemandReplicas: must not be more than/);
  });
});
