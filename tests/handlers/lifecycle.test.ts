import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { computerId } from "../../provider/host/computer";
import { freePort } from "../e2e/harness/free-port";
import { initFailure, ProviderProcess, type Props } from "./harness/provider-process";

const owner = { project: "shop", stack: "dev", resourceUrn: "urn:pulumi:dev::shop::type::chat" };
const SERVER = `require("node:http").createServer((q, r) => r.end(process.env.ANSWER)).listen(process.env.PORT, "127.0.0.1")`;

type TypeName = Parameters<ProviderProcess["check"]>[0];

interface Resource {
  type: TypeName;
  id: string;
  inputs: Props;
  outs: Props;
}

/** State of each resource, as Pulumi stored it with schemaVersion 1. Never edited: a new format gets a file of its own. */
type Golden = Record<TypeName, Omit<Resource, "inputs">>;

function golden(): Golden {
  return JSON.parse(readFileSync(join(__dirname, "state-v1.json"), "utf8")) as Golden;
}

/** The engine's part, with the real handlers, agent, data plane and replicas. */
describe("the life of a service through the provider process", function () {
  this.timeout(180_000);
  let provider: ProviderProcess;
  let port: number;

  before(async () => {
    provider = await ProviderProcess.start();
    mkdirSync(join(provider.project, "app"));
    writeFileSync(join(provider.project, "app", "server.js"), SERVER);
    port = await freePort();
  });
  after(async () => {
    // The test destroys what it made; the golden state does it again for a run that broke off.
    const [service] = goldenHere();
    await provider.delete("ServeService", service!.id, service!.outs).catch(() => undefined);
    await provider.close();
  });

  async function apply(type: TypeName, news: Props, before?: Resource): Promise<Resource> {
    const { inputs, failures } = await provider.check(type, news, before?.inputs);
    assert.deepEqual(failures, []);
    if (before === undefined) return { type, inputs, ...(await provider.create(type, inputs)) };
    const { outs } = await provider.update(type, before.id, before.outs, inputs);
    return { type, id: before.id, inputs, outs };
  }

  const pool = (answer: string, changes: Props = {}) => ({
    ...owner,
    name: "gpu",
    service: "shop/dev/chat",
    template: { run: "exec node server.js", workdir: "./app", env: { ANSWER: answer }, ...changes },
    replicas: 2,
  });
  const rollout = (of: Resource) => ({ ...owner, name: "chat", service: "shop/dev/chat", pools: [of.outs["facts"]] });
  const answer = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();

  it("comes up, rolls over, fails with its state kept, and leaves nothing behind", async () => {
    const service = await apply("ServeService", { ...owner, name: "chat", endpoint: { port } });
    assert.equal(service.id, "shop/dev/chat/1");
    let gpu = await apply("ReplicaPool", pool("one"));
    let moved = await apply("Rollout", rollout(gpu));
    assert.equal(await answer(), "one");
    assert.equal(moved.outs["version"], 1);

    for (const { type, id, inputs, outs } of [service, gpu, moved]) {
      assert.deepEqual(
        (await provider.check(type, declaredPart(inputs), inputs)).inputs,
        inputs,
        `${type} is unchanged`,
      );
      assert.equal((await provider.diff(type, id, outs, inputs)).changes, "unknown", type);
      assert.deepEqual((await provider.read(type, id, outs)).props, outs, `${type} has not drifted`);
      const lost = Object.keys(golden()[type].outs).filter((key) => !(key in outs));
      assert.deepEqual(lost, [], "a later release says more, never less");
    }

    gpu = await apply("ReplicaPool", pool("two"), gpu);
    assert.equal(gpu.outs["status"], "staged");
    assert.equal(await answer(), "one");
    moved = await apply("Rollout", rollout(gpu), moved);
    assert.equal(await answer(), "two");
    const { kind } = moved.outs["outcome"] as { kind: string };
    assert.deepEqual([moved.outs["version"], moved.outs["primaryRevision"] !== null, kind], [2, true, "promoted"]);

    const broken = await apply("ReplicaPool", pool("three", { run: "exit 3" }), gpu);
    const { inputs } = await provider.check("Rollout", rollout(broken), moved.inputs);
    const error: unknown = await provider
      .update("Rollout", moved.id, moved.outs, inputs)
      .catch((thrown: unknown) => thrown);
    const failed = initFailure(error);
    assert.equal(failed.id, moved.id);
    assert.match(failed.reasons[0]!, /rolled back and is rejected.*exit code 3/);
    assert.match(String(failed.properties["__provider"]), /handlers.Rollout/);
    assert.deepEqual(failed.properties["pools"], moved.inputs["pools"], "as the inputs that Pulumi keeps");
    assert.equal(await answer(), "two");

    // A replacement creates first and deletes then: the delete of the older incarnation must not end the new one.
    const again = await provider.create("ReplicaPool", gpu.inputs);
    assert.equal(again.id, "shop/dev/chat/pools/gpu/2");
    await provider.delete("ReplicaPool", gpu.id, gpu.outs);
    assert.equal(await answer(), "two");

    await provider.delete("Rollout", moved.id, failed.properties);
    await provider.delete("ReplicaPool", again.id, again.outs);
    await provider.delete("ServeService", service.id, service.outs);
    assert.deepEqual(readdirSync(join(provider.project, "state", "pulumi-serve", "services")), []);
    await assert.rejects(answer());
    assert.equal((await provider.read("ReplicaPool", again.id, again.outs)).id, "");

    const lines = provider.engine.lines.map(({ message }) => message);
    assert.ok(lines.includes("version 2 serves"), lines.join("\n"));
    assert.doesNotMatch(lines.join("\n"), /ANSWER/);
  });

  it("can be read and deleted from the state of the first release, also when nothing is left", async () => {
    for (const { type, id, outs } of goldenHere()) {
      assert.equal((await provider.read(type, id, outs)).id, "");
      await provider.delete(type, id, outs);
    }
    assert.ok(!existsSync(join(provider.project, "state", "pulumi-serve", "services", "shop-dev-chat")));
  });
});

/** The same state as if it had been written on this computer. */
function goldenHere(): Omit<Resource, "inputs">[] {
  return Object.values(golden()).map(({ type, id, outs }) => ({ type, id, outs: { ...outs, computer: computerId() } }));
}

/** What the program gave, without what check computed. */
function declaredPart({ url, serviceId, declaredRevision, facts, plan, planStates, ...given }: Props): Props {
  return given;
}
