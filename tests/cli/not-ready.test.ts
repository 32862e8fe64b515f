import assert from "node:assert/strict";
import { serviceView } from "../../provider/cli/view/service";
import { statusText } from "../../provider/cli/view/status";
import { intentOf, poolSpec } from "../simulation/intents";
import { settled } from "../simulation/one-pool";
import { World } from "../simulation/world";

describe("what a replica is not ready for, in `pulumi-serve status`", () => {
  const lines = ({ intent, state, now }: World) =>
    statusText([serviceView({ intent, state, lease: null, dataplane: null, now })])
      .split("\n")
      .filter((line) => line.includes("Not ready"));
  const starting = (replicas: number) => {
    const world = new World(intentOf([poolSpec("p", "a", replicas)]));
    world.behaviours.set("a", { bootMs: 20_000, start: "ready", drainMs: 0 });
    world.until(() => Object.values(world.state?.replicas ?? {}).some(({ reason }) => reason !== null), 10);
    return world;
  };

  it("is told already while its startup grace runs, and no more once it is ready", () => {
    const world = starting(2);
    assert.equal(world.state!.replicas["p-1"]!.status, "starting");
    assert.deepEqual(lines(world), [
      "service: Not ready: p-1, p-2: readiness path /health has not succeeded yet; last: connection refused",
    ]);
    world.until(() => settled(world));
    assert.deepEqual(lines(world), []);
  });

  it("is one line for many replicas", () => {
    assert.match(
      lines(starting(7)).join("\n"),
      /^service: Not ready: p-1, p-2, p-3, p-4, p-5 and 2 more: readiness[^\n]*$/,
    );
  });
});
