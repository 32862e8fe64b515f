import assert from "node:assert/strict";
import { serviceView } from "../../provider/cli/view/service";
import { statusText } from "../../provider/cli/view/status";
import { intentOf, poolSpec, redeclare } from "../simulation/intents";
import { readyOf } from "../simulation/one-pool";
import { World } from "../simulation/world";

/**
 * The sequence of `sky serve status` in the seed's example of an update, with its numbers: two replicas with 2 vCPUs
 * become two with 4, a second fleet at a time. The service's VERSION is the latest from the moment that its update begins.
 */
describe("status during an update, as SkyServe shows it", () => {
  const phases = [
    {
      name: "before: version 1, two replicas READY",
      reached: "2-cpus ready",
      service: "1  READY  2/2",
      replicas: ["1  1  vCPU=2  READY", "2  1  vCPU=2  READY"],
    },
    {
      name: "version 2 is on its way, version 1 alone serves",
      reached: "4-cpus launching",
      service: "2  READY  2/4",
      replicas: [
        "1  1  vCPU=2  READY",
        "2  1  vCPU=2  READY",
        "3  2  vCPU=4  PROVISIONING",
        "4  2  vCPU=4  PROVISIONING",
      ],
    },
    {
      name: "the machines of version 2 are there and load",
      reached: "4-cpus starting",
      service: "2  READY  2/4",
      replicas: ["1  1  vCPU=2  READY", "2  1  vCPU=2  READY", "3  2  vCPU=4  STARTING", "4  2  vCPU=4  STARTING"],
    },
    {
      name: "version 2 serves, version 1 finishes what it has begun",
      reached: "2-cpus draining",
      service: "2  READY  2/4",
      replicas: ["1  1  vCPU=2  DRAINING", "2  1  vCPU=2  DRAINING", "3  2  vCPU=4  READY", "4  2  vCPU=4  READY"],
    },
    {
      name: "version 1 is being ended",
      reached: "2-cpus terminating",
      service: "2  READY  2/4",
      replicas: [
        "1  1  vCPU=2  SHUTTING_DOWN",
        "2  1  vCPU=2  SHUTTING_DOWN",
        "3  2  vCPU=4  READY",
        "4  2  vCPU=4  READY",
      ],
    },
    {
      name: "after: only version 2",
      reached: null,
      service: "2  READY  2/2",
      replicas: ["3  2  vCPU=4  READY", "4  2  vCPU=4  READY"],
    },
  ];

  const pool = (vcpus: number) => {
    const { launch } = poolSpec("http", "", 2);
    return poolSpec("http", `${vcpus}-cpus`, 2, { launch: { ...launch, resources: { cpus: vcpus } } });
  };
  const world = new World({ ...intentOf([pool(2)], 100), identity: "shop/dev/http-server" });

  before(() => world.until(() => world.state?.adopted === true && world.state.pools["http"]!.hasServed));

  for (const { name, reached, service, replicas } of phases) {
    it(name, () => {
      if (reached === "4-cpus launching") world.declare((intent) => redeclare(intent, [pool(4)]));
      world.until(
        () => (reached === null ? world.state!.rollout === null : isAt(world, reached)),
        3600,
        () => assert.ok(!getsTraffic(world, "4-cpus") || readyOf(world, "4-cpus") === 2, "not before it is whole"),
      );
      assert.deepEqual(shown(world), { service, replicas });
    });
  }

  it("shows the version that is gone back to while it goes back", () => {
    world.declare((intent) => redeclare(intent, [pool(8)]));
    world.until(() => isAt(world, "8-cpus launching"));
    assert.equal(shown(world).service, "3  READY  2/4");
    world.command({ kind: "abort", mode: null });
    world.until(() => world.state!.rollout?.direction.kind === "back");
    assert.match(shown(world).service, /^2 /);
    world.until(() => world.state!.rollout === null);
    const { service, replicas } = phases.at(-1)!;
    assert.deepEqual(shown(world), { service, replicas });
  });
});

function isAt(world: World, reached: string): boolean {
  return Object.values(world.state!.replicas).some(({ revision, status }) => `${revision} ${status}` === reached);
}

function getsTraffic({ routing }: World, revision: string): boolean {
  const versions = (routing?.routes ?? []).flatMap(({ primary, canary }) => [primary, canary]);
  return versions.some((each) => each?.revision === revision && each.weight > 0);
}

/** The columns that the seed's tables and ours share, without times and addresses. */
function shown({ intent, state, now }: World): { service: string; replicas: string[] } {
  const view = serviceView({ intent, state, lease: null, dataplane: null, now });
  const lines = statusText([view])
    .split("\n")
    .map((line) => line.split(/ {2,}/));
  const at = (title: string) => lines.findIndex(([cell]) => cell === title) + 2;
  const [, version, , status, counts] = lines[at("Services")]!;
  const replicas = lines.slice(at("Service Replicas"), at("Service Replicas") + view.replicas.length);
  return {
    service: [version, status, counts].join("  "),
    replicas: replicas.map(([, id, of, , , resources, word]) =>
      [id!.replace("http-", ""), of, resources!.replace(/.*\((.*)\)/, "$1"), word].join("  "),
    ),
  };
}
