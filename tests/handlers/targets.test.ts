import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RolloutPlan } from "../../provider";
import { factsOf } from "../../provider/core/spec/facts";
import { freePort } from "../e2e/harness/free-port";
import { poolSpec } from "../simulation/intents";
import { ProviderProcess, type Props } from "./harness/provider-process";

const owner = { project: "shop", stack: "dev", name: "chat" };

describe("targets, as a preview checks them", () => {
  let provider: ProviderProcess;

  before(async () => (provider = await ProviderProcess.start()));
  after(() => provider.close());

  function cloudFile(name: string, ...zones: object[]): string {
    const file = join(provider.project, `${name}.json`);
    writeFileSync(file, JSON.stringify({ zones }));
    return file;
  }

  /** Of a service that there is not yet, with two replicas that may have any of these machines. */
  async function rollout(targets: Props, shapes?: string[]) {
    const pools = [{ ...factsOf(poolSpec("p", "a", 2)), ...(shapes && { shapes }) }];
    const news = { ...owner, service: "shop/dev/none", ...targets, pools, strategy: {} };
    const { inputs, failures } = await provider.check("Rollout", news, {});
    return { cost: (inputs["plan"] as RolloutPlan | undefined)?.cost?.summary, failures };
  }

  it("give a plan the mean price of what is used of all of them", async () => {
    const target = { cloudFile: cloudFile("cloud", { name: "a", onDemandPrice: 3 }) };
    const cluster = { name: "cluster", cloudFile: cloudFile("cluster", { name: "n", onDemandPrice: 1 }) };
    assert.equal((await rollout({ target, additionalTargets: [cluster] })).cost, "$4.00/h");
    const spotOnly = { ...target, markets: ["spot"] };
    assert.equal((await rollout({ target: spotOnly, additionalTargets: [cluster] })).cost, "$2.00/h");
  });

  it("give a plan the price of the pool's machines, and refuse by name one that no zone has", async () => {
    const shapes = { "A10G:1": { onDemandPrice: 2, spotPrice: null } };
    const target = { cloudFile: cloudFile("machines", { name: "a", onDemandPrice: 1, shapes }) };
    assert.equal((await rollout({ target }, ["A10G:1"])).cost, "$4.00/h");
    assert.deepEqual(
      (await rollout({ target }, ["A10G:1", "H100:1"])).failures.map(({ reason }) => reason),
      [
        'pools: template.resources.accelerators of pool "p" ask for H100:1, which no zone of the service\'s targets has: they have A10G:1',
      ],
    );
  });

  it("are refused for the cloud file of a further one, with whose it is", async () => {
    const additionalTargets = [
      { name: "empty", cloudFile: join(provider.project, "none.json") },
      { name: "cluster", cloudFile: cloudFile("racks", { name: "rack/1" }) },
    ];
    const news = { ...owner, endpoint: { port: await freePort() }, additionalTargets };
    const [refused] = (await provider.check("ServeService", news)).failures;
    assert.equal(refused!.property, "additionalTargets");
    assert.match(refused!.reason, /^additionalTargets\.1\.cloudFile: .* at zones\.0\.name: a zone's name has no slash/);
  });
});
