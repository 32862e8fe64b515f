import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { planPath, planSurge, type PoolFacts, type RolloutPlan } from "../../provider";
import { factsOf } from "../../provider/core/spec/facts";
import type { PoolSpec } from "../../provider/core/spec/pool";
import { UNKNOWN } from "../../provider/core/spec/unknown";
import { servingWorld, stored } from "../cli/stored-world";
import { createService } from "../../provider/core/declare";
import { serviceInput, serviceSpec } from "../../provider/core/spec/service-input";
import { findHaproxy } from "../../provider/dataplane/haproxy/binary";
import { openFileStore } from "../../provider/store/file";
import { scaling } from "../core/scaling";
import { blueGreen } from "../core/strategies";
import { freePort } from "../e2e/harness/free-port";
import { poolSpec } from "../simulation/intents";
import { removeFolders } from "../store/folders";
import { ProviderProcess, type Props } from "./harness/provider-process";

const owner = { project: "shop", stack: "dev", name: "chat" };
const pool = { ...owner, name: "gpu", service: "shop/dev/chat", template: { run: "node server.js", workdir: "./app" } };

/** As a preview calls it, in the real dynamic-provider process. */
describe("check and diff, as a preview calls them", () => {
  let provider: ProviderProcess;

  before(async () => {
    provider = await ProviderProcess.start();
    mkdirSync(join(provider.project, "app"));
    writeFileSync(join(provider.project, "app", "server.js"), "one");
  });
  after(() => provider.close());

  it("knows the sentinel that Pulumi uses for unknown values", () => {
    assert.equal(UNKNOWN, (pulumi.runtime as unknown as { unknownValue: string }).unknownValue);
  });

  interface CheckedPool extends Props {
    declaredRevision: string;
    facts: PoolFacts;
    template: { env: Props };
  }

  interface CheckedRollout extends Props {
    plan: RolloutPlan;
  }

  async function checkedPool(changes: Props = {}): Promise<CheckedPool> {
    const { inputs, failures } = await provider.check("ReplicaPool", { ...pool, ...changes });
    assert.deepEqual(failures, []);
    return inputs as CheckedPool;
  }

  async function checkedRollout(pools: unknown[], olds: Props = {}, strategy: Props = {}): Promise<CheckedRollout> {
    const news = { ...owner, service: "shop/dev/chat", pools, strategy };
    const { inputs, failures } = await provider.check("Rollout", news, olds);
    assert.deepEqual(failures, []);
    return inputs as CheckedRollout;
  }

  describe("of a pool", () => {
    it("compute revision and facts, the same each time", async () => {
      const [first, second] = [await checkedPool(), await checkedPool()];
      assert.deepEqual(second, first);
      assert.match(first["declaredRevision"], /^[0-9a-f]{16}$/);
      assert.equal(first["facts"].revision, first["declaredRevision"]);
      assert.equal(first["drainSeconds"], 60);
    });

    it("keep secrets where they are and nowhere else", async () => {
      const env = { TOKEN: "s3cret" };
      const { template, ...rest } = await checkedPool({ template: { ...pool.template, env } });
      assert.deepEqual(template.env, env);
      assert.doesNotMatch(JSON.stringify(rest), /s3cret/);
    });

    it("refuse a workdir that is missing", async () => {
      const template = { ...pool.template, workdir: "./nowhere" };
      const { failures } = await provider.check("ReplicaPool", { ...pool, template });
      assert.equal(failures.length, 1);
      assert.match(failures[0]!.reason, /template\.workdir.*nowhere/);
    });

    it("leave unknown what depends on an unknown", async () => {
      const inputs = await checkedPool({ template: { ...pool.template, env: { TOKEN: UNKNOWN } } });
      assert.deepEqual([inputs["declaredRevision"], inputs["facts"]], [UNKNOWN, UNKNOWN]);
      assert.equal(inputs["template"].env.TOKEN, UNKNOWN);
      const counted = await checkedPool({ replicas: UNKNOWN });
      assert.notEqual(counted["declaredRevision"], UNKNOWN);
      assert.equal(counted["facts"], UNKNOWN);
    });

    it("keep a userConfig out of everything that they compute", async () => {
      const userConfig = { temperature: 0.2, token: "s3cret" };
      const { userConfig: kept, ...rest } = await checkedPool({ userConfig });
      assert.deepEqual(kept, userConfig);
      assert.doesNotMatch(JSON.stringify(rest), /s3cret/);
      assert.match(String(rest.facts.userConfig), /^[0-9a-f]{16}$/);
      assert.equal(rest.declaredRevision, (await checkedPool())["declaredRevision"]);
      const unknown = await checkedPool({ userConfig: { token: UNKNOWN } });
      assert.deepEqual([unknown["declaredRevision"], unknown["facts"]], [rest.declaredRevision, UNKNOWN]);
    });

    it("let an explicit version stand for the template", async () => {
      const one = await checkedPool({ version: "v1" });
      const other = await checkedPool({ version: "v1", template: { run: "other" } });
      assert.equal(other["declaredRevision"], one["declaredRevision"]);
      assert.notEqual((await checkedPool({ version: "v2" }))["declaredRevision"], one["declaredRevision"]);
      const unknown = await checkedPool({ version: UNKNOWN });
      assert.deepEqual([unknown["declaredRevision"], unknown["facts"]], [UNKNOWN, UNKNOWN]);
    });

    it("see a change inside the workdir", async () => {
      const before = await checkedPool();
      writeFileSync(join(provider.project, "app", "server.js"), "two");
      const after = await checkedPool();
      assert.notEqual(after["declaredRevision"], before["declaredRevision"]);
      assert.notEqual(after["facts"].parts.workdir, before["facts"].parts.workdir);
    });

    it("replace it for another service, and leave every other difference to Pulumi", async () => {
      const [olds, news] = [await checkedPool(), await checkedPool({ service: "shop/dev/other" })];
      assert.deepEqual((await provider.diff("ReplicaPool", "shop/dev/chat/pools/gpu/1", olds, news)).replaces, [
        "service",
      ]);
      const light = await checkedPool({ replicas: 3 });
      assert.deepEqual(await provider.diff("ReplicaPool", "shop/dev/chat/pools/gpu/1", olds, light), {
        changes: "unknown",
        replaces: [],
      });
    });
  });

  describe("of a Rollout", () => {
    it("plan the change from the last deployment to the new one", async () => {
      const A = (await checkedPool({ replicas: 4 }))["facts"];
      const first = await checkedRollout([A]);
      assert.equal(first["plan"].summary, "no steps at first deploy");
      const B = (await checkedPool({ replicas: 4, template: { run: "other" } }))["facts"];
      assert.match((await checkedRollout([B], first))["plan"].summary, /no steps at first deploy/);
    });

    it("return the stored plan of an unchanged Rollout only while the service serves it", async () => {
      const A = (await checkedPool({ replicas: 4 }))["facts"];
      const stored = { ...(await checkedRollout([A])), plan: { summary: "of an earlier deployment" } };
      assert.equal((await checkedRollout([A], stored))["plan"].summary, "no steps at first deploy");
    });

    it("leave the plan unknown when a pool is", async () => {
      const inputs = await checkedRollout([UNKNOWN]);
      assert.deepEqual([inputs["plan"], inputs["planStates"]], [UNKNOWN, UNKNOWN]);
    });

    it("refuse a surge of 0 with advice", async () => {
      assert.match(await refusal({ maxSurgePercent: 0 }), /^strategy.maxSurgePercent: .*use the kind "rolling"/);
    });

    it("refuse what contradicts itself, naming the field", async () => {
      const gates = [{ kind: "p95", maxMilliseconds: 200 }];
      assert.match(await refusal({ kind: "inPlace", canaryPercent: 10 }), /^strategy.canaryPercent: /);
      assert.match(await refusal({ canaryPercent: 10, rollback: { mode: "safe" } }), /^strategy.rollback: /);
      assert.match(await refusal({ canaryPercent: 0, gates }), /^strategy.gates.0: /);
    });

    for (const kind of ["surge", "blueGreen", "rolling", "inPlace"]) {
      it(`take a strategy of the kind ${kind} with its defaults, and the result once more`, async () => {
        const A = (await checkedPool({ replicas: 4 }))["facts"];
        const first = await checkedRollout([A], {}, { kind });
        const again = await checkedRollout([A], first, first["strategy"] as Props);
        assert.deepEqual(again, first);
        assert.equal((first["strategy"] as Props)["kind"], kind);
      });
    }

    /** What the handlers find in the stores of `stored` services. */
    async function withStores(look: () => Promise<void>): Promise<void> {
      const before = process.env["XDG_STATE_HOME"];
      process.env["XDG_STATE_HOME"] = join(provider.project, "state");
      try {
        await look();
      } finally {
        if (before === undefined) delete process.env["XDG_STATE_HOME"];
        else process.env["XDG_STATE_HOME"] = before;
        removeFolders();
      }
    }

    it("plan a new revision with another number of replicas, and one of an autoscaled pool, by the cap of the larger number", () =>
      withStores(async () => {
        await stored("shop/dev/sized", servingWorld(4));
        const checked = async (of: PoolSpec, olds: Props, strategy: Props) => {
          const news = { ...owner, service: "shop/dev/sized", pools: [factsOf(of)], strategy };
          const { inputs, failures } = await provider.check("Rollout", news, olds);
          assert.deepEqual(failures, []);
          return (inputs as CheckedRollout).plan;
        };
        const first = { pools: [factsOf(poolSpec("p", "a", 4))], strategy: {} };
        for (const [strategy, cap] of [
          [{}, 10],
          [{ kind: "blueGreen" }, 12],
          [{ kind: "rolling" }, 8],
        ] as const) {
          const plan = await checked(poolSpec("p", "b", 8), first, strategy);
          assert.deepEqual(plan.cap, { p: cap });
          assert.match(plan.changes.join(), /staged with it: replicas 4 -> 8/);
          assert.match(plan.steps.at(-1)!, /canary 8\/8, primary 0\/4, traffic 100 %/);
        }
        const more = { scaling: scaling({ min: 6, initial: 6, max: 20 }) };
        const plan = await checked(poolSpec("p", "b", 6, more), first, {});
        assert.deepEqual(plan.cap, { p: 8 });
        assert.match(plan.steps.at(-1)!, /canary 6\/6, primary 0\/4, traffic 100 %/);
        assert.match(
          plan.notes.join("\n"),
          /p: autoscaled 6\.\.20, planned for the 6 replicas of now; .* at most 25 at once/,
        );
      }));

    it("tell what a change costs by the cloud file's prices, and change nothing when only these move", () =>
      withStores(async () => {
        const store = await stored("shop/dev/priced", servingWorld());
        const { cloudFile } = (await store.readIntent()).value.service.spec.target;
        const setPrice = (onDemandPrice: number) =>
          writeFileSync(cloudFile, JSON.stringify({ zones: [{ name: "a", onDemandPrice }] }));
        const checkedTo = async (revision: string, olds: Props) => {
          const pools = [factsOf(poolSpec("p", revision, 2))];
          const { inputs, failures } = await provider.check(
            "Rollout",
            { ...owner, service: "shop/dev/priced", pools, strategy: {} },
            olds,
          );
          assert.deepEqual(failures, []);
          return inputs as CheckedRollout;
        };
        setPrice(3);
        const news = {
          ...owner,
          service: "shop/dev/new",
          target: { cloudFile },
          pools: [factsOf(poolSpec("p", "a", 2))],
        };
        const preview = (await provider.check("Rollout", { ...news, strategy: {} }, {})).inputs as CheckedRollout;
        const cost = {
          summary: "$6.00/h",
          before: { spot: 0, onDemand: 0 },
          after: { spot: 0, onDemand: 6 },
          rollout: 0,
        };
        assert.deepEqual(preview.plan.cost, cost, "before there is a service");
        const first = await checkedTo("a", {});
        assert.equal(first.plan.cost!.summary, "$6.00/h", "there is no before");
        const changed = await checkedTo("b", first);
        assert.match(changed.plan.cost!.summary, /^\$6\.00\/h before, \$6\.00\/h after; the rollout's extra VMs about/);
        setPrice(5);
        assert.deepEqual(await checkedTo("a", first), first);
        assert.match((await checkedTo("b", first)).plan.cost!.summary, /^\$10\.00\/h before/);
      }));

    async function refusal(strategy: Props): Promise<string> {
      const A = (await checkedPool())["facts"];
      const { failures } = await provider.check("Rollout", {
        ...owner,
        service: "shop/dev/chat",
        pools: [A],
        strategy,
      });
      assert.equal(failures.length, 1, JSON.stringify(failures));
      assert.equal(failures[0]!.property, "");
      return failures[0]!.reason;
    }
  });

  describe("of a service", () => {
    it("compute what is stable, so that previews know it", async () => {
      const { inputs, failures } = await provider.check("ServeService", {
        ...owner,
        endpoint: { port: await freePort() },
      });
      assert.deepEqual(failures, []);
      const { port } = inputs["endpoint"] as { port: number };
      assert.equal(inputs["url"], `http://127.0.0.1:${port}`);
      assert.equal(inputs["serviceId"], "shop/dev/chat");
      assert.equal((inputs["balancer"] as Props)["policy"], "leastLoad");
    });

    it("refuse a port that another program holds", async () => {
      const other = createServer();
      await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
      const { port } = other.address() as AddressInfo;
      try {
        const { failures } = await provider.check("ServeService", { ...owner, endpoint: { port } });
        assert.equal(failures[0]!.property, "endpoint");
        assert.match(failures[0]!.reason, new RegExp(`127.0.0.1:${port} is held by another program`));
      } finally {
        await new Promise((done) => other.close(done));
      }
    });

    it("let an unknown port pass", async () => {
      const { inputs, failures } = await provider.check("ServeService", { ...owner, endpoint: { port: UNKNOWN } });
      assert.deepEqual(failures, []);
      assert.equal(inputs["url"], UNKNOWN);
    });

    it("refuse an endpoint that another program holds, but not for the service whose own it is, as its balancer may hang", async () => {
      const before = process.env.XDG_STATE_HOME;
      process.env.XDG_STATE_HOME = join(provider.project, "state");
      const holder = createServer();
      await new Promise<void>((done) => holder.listen(0, "127.0.0.1", done));
      try {
        const endpoint = { host: "127.0.0.1", port: (holder.address() as AddressInfo).port };
        const named = { ...owner, name: "held", endpoint };
        const [refused] = (await provider.check("ServeService", named)).failures;
        assert.match(refused!.reason, /is held by another program: end it or give another port/);
        const store = openFileStore("shop/dev/held");
        const spec = serviceSpec(serviceInput.parse(named), { target: { kind: "local", cloudFile: "/cloud.json" } });
        await store.create();
        await store.writeIntent(0, createService(null, { identity: store.identity, uid: "u", spec }));
        assert.deepEqual((await provider.check("ServeService", named)).failures, []);
        await store.destroy();
      } finally {
        holder.close();
        if (before === undefined) delete process.env.XDG_STATE_HOME;
        else process.env.XDG_STATE_HOME = before;
      }
    });

    it("refuse a cloud file that can play no cloud, and let one pass that is not there yet", async () => {
      const cloudFile = join(provider.project, "played.json");
      const target = { kind: "local", cloudFile };
      const refusal = async (): Promise<string> => {
        const news = { ...owner, endpoint: { port: await freePort() }, target };
        const { failures } = await provider.check("ServeService", news);
        assert.ok(failures.every(({ property }) => property === "target"));
        return failures.map(({ reason }) => reason).join();
      };
      assert.equal(await refusal(), "");
      writeFileSync(cloudFile, "{ zones");
      assert.match(
        await refusal(),
        /^target\.cloudFile: The cloud file \S+played\.json is not JSON \(.*\): correct it/,
      );
      writeFileSync(cloudFile, JSON.stringify({ zones: [{ name: "a", capacity: "many" }] }));
      assert.match(await refusal(), /^target\.cloudFile: The cloud file \S+ has an error at zones\.0\.capacity: /);
      writeFileSync(cloudFile, JSON.stringify({ zones: [{ name: "a", capacity: 4 }] }));
      assert.equal(await refusal(), "");
      target.cloudFile = provider.project;
      assert.match(await refusal(), /^target\.cloudFile: .* cannot be read \(.*EISDIR.*\): name a file/);
    });

    it("refuse two pools on one route, by whichever way the program came to it", async () => {
      const pools = ["a", "b"].map((name) => factsOf(poolSpec(name, "r", 1)));
      const [one, two] = pools.map((facts) => ({ ...facts, route: "/same" }));
      const { failures } = await provider.check("Rollout", { ...owner, service: "shop/dev/none", pools: [one, two] });
      assert.match(failures[0]!.reason, /^pools: pools "a" and "b" have the same route "\/same"/);
    });

    it("let a service that runs change its engine, and refuse one that cannot run here in a sentence", async () => {
      const before = process.env.XDG_STATE_HOME;
      process.env.XDG_STATE_HOME = join(provider.project, "state");
      try {
        const named = { ...owner, name: "with-engine", endpoint: { port: await freePort() } };
        const store = openFileStore("shop/dev/with-engine");
        const spec = serviceSpec(serviceInput.parse(named), { target: { kind: "local", cloudFile: "/cloud.json" } });
        await store.create();
        await store.writeIntent(0, createService(null, { identity: store.identity, uid: "u", spec }));
        const asked = (engine: string) => provider.check("ServeService", { ...named, balancer: { engine } });
        assert.deepEqual((await asked("embedded")).failures, []);
        const { failures } = await asked("haproxy");
        const found = findHaproxy();
        const reasons = found.kind === "found" ? [] : [`balancer.engine: ${found.reason}`];
        assert.deepEqual(
          failures.map(({ property, reason }) => ({ property, reason })),
          reasons.map((reason) => ({ property: "balancer", reason })),
        );
        assert.match((await asked("nginx")).failures[0]!.reason, /must be "embedded" or "haproxy"/);
        await store.destroy();
      } finally {
        if (before === undefined) delete process.env.XDG_STATE_HOME;
        else process.env.XDG_STATE_HOME = before;
      }
    });

    it("say that a service of another computer is not to be touched from here", async () => {
      const { inputs } = await provider.check("ServeService", { ...owner, endpoint: { port: await freePort() } });
      const olds = { ...inputs, schemaVersion: 1, computer: "another" };
      await assert.rejects(provider.diff("ServeService", "shop/dev/chat/1", olds, inputs), /runs on another computer/);
      await assert.rejects(provider.read("ServeService", "shop/dev/chat/1", olds), /runs on another computer/);
      await assert.rejects(provider.delete("ServeService", "shop/dev/chat/1", olds), /runs on another computer/);
    });

    it("find a service whose store is gone on this computer deleted", async () => {
      const { inputs } = await provider.check("ServeService", { ...owner, endpoint: { port: await freePort() } });
      assert.equal((await provider.read("ServeService", "shop/dev/chat/1", inputs)).id, "");
      assert.equal((await provider.diff("ServeService", "shop/dev/chat/1", inputs, inputs)).changes, "some");
      await provider.delete("ServeService", "shop/dev/chat/1", inputs);
    });
  });

  it("plan by the functions that are exported for outsiders", () => {
    const pools = [{ name: "a", from: 4, to: 4 }];
    const { cap, states, ...more } = planSurge({ pools, maxSurgePercent: 25 });
    assert.deepEqual([cap, more], [{ a: 5 }, {}]);
    for (const state of states) assert.deepEqual(Object.keys(state), ["kind", "percent", "pools", "weights"]);
    assert.throws(
      () => planSurge({ pools: [], maxSurgePercent: 25 }),
      /^RangeError: pools is empty: name at least one/,
    );
    assert.equal(planPath(blueGreen(), pools).cap["a"], 8);
  });
});
