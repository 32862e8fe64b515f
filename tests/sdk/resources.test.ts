import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type * as Sdk from "../../sdk";

interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

/** How Pulumi marks a secret on its way. */
const SECRET_MARK = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** What the engine would have been told, in the order of registration. */
const registered: Registered[] = [];

function known<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

async function registeredAs(type: string, name: string): Promise<Registered> {
  for (let turn = 0; turn < 1000; turn++) {
    const found = registered.find((each) => each.type === type && each.name === name);
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`${type} ${name} was never registered`);
}

describe("what a program registers", () => {
  let serve: typeof Sdk;

  before(async () => {
    await pulumi.runtime.setMocks(
      {
        newResource(args) {
          registered.push(args);
          const facts = { name: args.name, revision: "abc", replicas: 1, specHash: "def" };
          const computed = { serviceId: `shop/dev/${args.name}`, url: "http://127.0.0.1:8080", facts };
          return { id: `${args.name}-id`, state: { ...(args.inputs as object), ...computed } };
        },
        call: (args) => args.inputs as Record<string, unknown>,
      },
      "shop",
      "dev",
    );
    serve = await import("../../sdk");
  });

  function service(name: string) {
    return new serve.ServeService(name, { target: serve.local(), endpoint: { port: 8080 } });
  }

  const template = { run: "node server.js" };

  it("has a type of its own for each resource, which policies match", async () => {
    const made = service("types");
    const pool = new serve.ReplicaPool("types-pool", { service: made, template });
    const rollout = new serve.Rollout("types", { service: made, pools: [pool] });
    await registeredAs("pulumi-nodejs:dynamic/serve:ServeService", "types");
    await registeredAs("pulumi-nodejs:dynamic/serve:ReplicaPool", "types-pool");
    await registeredAs("pulumi-nodejs:dynamic/serve:Rollout", "types");
    assert.ok(
      serve.ServeService.isInstance(made) && serve.ReplicaPool.isInstance(pool) && serve.Rollout.isInstance(rollout),
    );
    assert.ok(!serve.ServeService.isInstance(pool) && !serve.Rollout.isInstance(undefined));
    assert.equal(serve.Rollout.__pulumiType, "pulumi-nodejs:dynamic/serve:Rollout");
  });

  it("tells the handlers what Pulumi does not", async () => {
    new serve.ServeService("told", { endpoint: { port: 8080 } }, { customTimeouts: { create: "10m" } });
    const { inputs } = await registeredAs("pulumi-nodejs:dynamic/serve:ServeService", "told");
    const { project, stack, name, timeouts, resourceUrn } = inputs;
    assert.deepEqual({ project, stack, name }, { project: "shop", stack: "dev", name: "told" });
    assert.deepEqual(timeouts, { create: "10m" });
    assert.equal(resourceUrn, "urn:pulumi:dev::shop::pulumi-nodejs:dynamic/serve:ServeService::told");
    assert.match(String(inputs["__provider"]), /handlers\.ServeService/);
  });

  it("gives the Rollout the facts of its pools and nothing else of them", async () => {
    const made = service("facts");
    const env = { TOKEN: pulumi.secret("s3cret") };
    const pool = new serve.ReplicaPool("facts-pool", { service: made, template: { ...template, env } });
    new serve.Rollout("facts", { service: made, pools: [pool] });
    const { inputs } = await registeredAs("pulumi-nodejs:dynamic/serve:Rollout", "facts");
    assert.equal(inputs["service"], "shop/dev/facts");
    assert.deepEqual(inputs["pools"], [{ name: "facts-pool", revision: "abc", replicas: 1, specHash: "def" }]);
    assert.doesNotMatch(JSON.stringify(inputs), /s3cret/);
  });

  it("passes fields on that it does not know, so that check can refuse them by name", async () => {
    new serve.ServeService("extra", { endpoint: { port: 8080 }, tls: {} } as never);
    const { inputs } = await registeredAs("pulumi-nodejs:dynamic/serve:ServeService", "extra");
    assert.deepEqual(inputs["tls"], {});
  });

  it("lets only hashes of tokens out of the program, also from a ModelService", async () => {
    const balancer = { tokens: [pulumi.secret("a-token-0123456789")] };
    new serve.ServeService("guarded", { endpoint: { port: 8080 }, balancer });
    new serve.ModelService("guarded-model", { endpoint: 8080, template, balancer });
    for (const name of ["guarded", "guarded-model"]) {
      const { inputs } = await registeredAs("pulumi-nodejs:dynamic/serve:ServeService", name);
      assert.match(JSON.stringify(inputs["balancer"]), /"sha256:[0-9a-f]{64}"/);
      assert.doesNotMatch(JSON.stringify(inputs), /a-token/);
    }
  });

  it("makes a private key a secret, whatever the program made of it, also from a ModelService", async () => {
    const balancer = { tls: { certificate: "a certificate", privateKey: "s3cret" } };
    new serve.ServeService("sealed", { endpoint: { port: 8080 }, balancer });
    new serve.ModelService("sealed-model", { endpoint: 8080, template, balancer });
    for (const name of ["sealed", "sealed-model"]) {
      const { inputs } = await registeredAs("pulumi-nodejs:dynamic/serve:ServeService", name);
      // Pulumi's mock moves the mark of a secret outwards, from the key to the whole property.
      assert.deepEqual(inputs["balancer"], { [SECRET_MARK]: SECRET, value: balancer });
    }
  });

  it("passes userConfig, its way and version on, also from a ModelService", async () => {
    const settings = { userConfig: { temperature: 0.2 }, reconfigure: { path: "/tune" }, version: "v3" };
    new serve.ReplicaPool("tuned-pool", { service: service("tuned"), template, ...settings });
    new serve.ModelService("tuned-model", { endpoint: 8080, template, ...settings });
    for (const name of ["tuned-pool", "tuned-model"]) {
      const { inputs } = await registeredAs("pulumi-nodejs:dynamic/serve:ReplicaPool", name);
      const { userConfig, reconfigure, version } = inputs;
      assert.deepEqual({ userConfig, reconfigure, version }, settings);
    }
  });

  it("refuses two pools on one route in the constructor", () => {
    const made = service("routes");
    new serve.ReplicaPool("first", { service: made, template });
    assert.throws(
      () => new serve.ReplicaPool("second", { service: made, template }),
      /route "\/" belongs to pool "first"/,
    );
    new serve.ReplicaPool("third", { service: made, template, route: "/v2" });
  });

  it("refuses two pools of one name in a service, whatever their parents", () => {
    const made = service("pool-names");
    new serve.ReplicaPool("twice", { service: made, template });
    const parent = new pulumi.ComponentResource("test:Parent", "of-the-second");
    assert.throws(
      () => new serve.ReplicaPool("twice", { service: made, template, route: "/other" }, { parent }),
      /ReplicaPool "twice": its service has a pool of this name already/,
    );
  });

  it("refuses a second service of the same name, as the end of one would be the end of both", async () => {
    let refusal: unknown = null;
    await pulumi.runtime.runInPulumiStack(async () => {
      service("shared-name");
      try {
        new serve.ModelService("shared-name", { endpoint: { port: 8081 }, template });
      } catch (error) {
        refusal = error;
      }
      return Promise.resolve({});
    });
    assert.match(String(refusal), /ServeService "shared-name": the stack has a service of this name already/);
  });

  it("refuses a second Rollout of a service, and pools of another one", () => {
    const [one, other] = [service("one"), service("other")];
    const pool = new serve.ReplicaPool("one-pool", { service: one, template });
    assert.throws(() => new serve.Rollout("wrong", { service: other, pools: [pool] }), /must be of the service/);
    new serve.Rollout("right", { service: one, pools: [pool] });
    assert.throws(() => new serve.Rollout("twice", { service: one, pools: [pool] }), /has the Rollout "right" already/);
  });

  it("tells the Rollout of all targets, for the prices of a plan", async () => {
    const cluster = serve.local({ name: "cluster", markets: ["onDemand"] });
    const args = { target: serve.local({ markets: ["spot"] }), additionalTargets: [cluster], endpoint: { port: 8080 } };
    const several = new serve.ServeService("several", args);
    const pool = new serve.ReplicaPool("several-pool", { service: several, template });
    new serve.Rollout("several", { service: several, pools: [pool] });
    for (const type of ["ServeService", "Rollout"]) {
      const { inputs } = await registeredAs(`pulumi-nodejs:dynamic/serve:${type}`, "several");
      assert.deepEqual(inputs["target"], { kind: "local", markets: ["spot"] });
      assert.deepEqual(inputs["additionalTargets"], [{ kind: "local", name: "cluster", markets: ["onDemand"] }]);
    }
  });

  it("makes all three from a ModelService, with good defaults", async () => {
    const chat = new serve.ModelService("chat", { endpoint: 8080, template });
    assert.equal(await known(chat.url), "http://127.0.0.1:8080");
    const { inputs } = await registeredAs("pulumi-nodejs:dynamic/serve:ReplicaPool", "chat");
    assert.deepEqual([inputs["replicas"], inputs["readiness"], inputs["route"]], [2, { path: "/health" }, "/"]);
    const made = await registeredAs("pulumi-nodejs:dynamic/serve:ServeService", "chat");
    assert.deepEqual([made.inputs["endpoint"], made.inputs["target"]], [{ port: 8080 }, { kind: "local" }]);
    assert.match(
      String(made.inputs["resourceUrn"]),
      /pulumi-serve:index:ModelService\$pulumi-nodejs:dynamic\/serve:ServeService::chat$/,
    );
  });
});
