import assert from "node:assert/strict";
import { Load } from "../load/load";
import { assertUnharmed, Deployment, PAUSE_MS } from "./harness/deployment";
import { eventually } from "./harness/eventually";

/** Pools by name, each with its model; the stack's config says which there are. */
const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import * as serve from "pulumi-serve";

const config = new pulumi.Config("pulumi-serve");
const models = config.requireObject<Record<string, string>>("models");
const service = new serve.ServeService("chat", {
  target: serve.local({ cloudFile: config.require("cloudFile") }),
  endpoint: { port: config.requireNumber("port") },
});
const pools = Object.entries(models).map(
  ([name, MODEL]) =>
    new serve.ReplicaPool(name, {
      service,
      route: "/" + name,
      template: { run: "exec node server.js", workdir: "./app", env: { MODEL, STREAM_SECONDS: "0.5" } },
      readiness: { path: "/health" },
      replicas: name === "large" ? 4 : 2,
      bootSeconds: 0.5,
    }),
);
new serve.Rollout("chat", { service, pools, strategy: { maxSurgePercent: 50 } });
`;

describe("a service of several pools, each behind its own path", function () {
  this.timeout(300_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.prepare();
    const { workspace } = deployment;
    workspace.edit("index.ts", () => PROGRAM);
    for (const path of ["/generate", "/stream"]) {
      workspace.replace("app/server.js", `pathname === "${path}"`, `pathname.endsWith("${path}")`);
    }
    await use({ large: "a", small: "a", tiny: "a" });
    await workspace.mustUp();
  });
  after(() => deployment?.dispose());

  const use = (models: Record<string, string>): Promise<void> =>
    deployment.workspace.configure({ models: JSON.stringify(models) });

  async function served(pool: string): Promise<string> {
    const response = await fetch(`${deployment.url}/${pool}/generate`);
    return ((await response.json()) as { model: string }).model;
  }

  /** Load on every one of these pools while `work` runs; nobody of any pool may notice. */
  async function underLoad(pools: string[], work: () => Promise<unknown>): Promise<void> {
    const start = (pool: string): Promise<Load> =>
      Load.start({ url: `${deployment.url}/${pool}`, clients: 3, pauseMs: PAUSE_MS });
    const loads = await Promise.all(pools.map(start));
    const enough = async (count: number): Promise<boolean> => {
      const progress = await Promise.all(loads.map((load) => load.progress()));
      return progress.every(({ requests }) => requests >= count);
    };
    try {
      await eventually("every pool has had requests", () => enough(20));
      await work();
      for (const load of loads) assertUnharmed(await load.stop());
    } finally {
      for (const load of loads) load.kill();
    }
  }

  const idsOf = async (pool: string): Promise<string[]> =>
    Object.values((await deployment.service.state())!.replicas)
      .filter((replica) => replica.pool === pool)
      .map(({ id }) => id);

  it("moves all pools together by one percent, each inside its own cap", async () => {
    await use({ large: "b", small: "b", tiny: "b" });
    await underLoad(["large", "small", "tiny"], () => deployment.workspace.mustUp());
    assert.deepEqual(await Promise.all(["large", "small", "tiny"].map(served)), ["b", "b", "b"]);
    const started = (await deployment.service.events()).filter((event) => event.kind === "rolloutStarted").at(-1);
    assert.deepEqual(started?.cap, { large: 6, small: 3, tiny: 3 });
    await deployment.assertSound();
  });

  it("leaves a pool alone whose revision did not change", async () => {
    const before = await idsOf("small");
    await use({ large: "c", small: "b", tiny: "b" });
    await underLoad(["large", "small", "tiny"], () => deployment.workspace.mustUp());
    assert.equal(await served("large"), "c");
    assert.deepEqual(await idsOf("small"), before);
    await deployment.assertSound();
  });

  it("takes a pool in and another one out in the same up, while a third one rolls", async () => {
    await use({ large: "d", small: "b", fresh: "d" });
    await underLoad(["large", "small"], () => deployment.workspace.mustUp());
    assert.deepEqual(await Promise.all(["large", "small", "fresh"].map(served)), ["d", "b", "d"]);
    assert.deepEqual(await idsOf("tiny"), []);
    await deployment.assertSound();
  });

  it("leaves nothing behind", async () => {
    await deployment.workspace.must("destroy", "--yes", "--skip-preview");
    await deployment.assertNothingLeft();
  });
});
