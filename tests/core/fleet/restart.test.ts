import assert from "node:assert/strict";
import { Draft } from "../../../provider/core/draft";
import { restartNow } from "../../../provider/core/fleet/restart";
import type { Replica } from "../../../provider/core/state";
import { intentOf, poolSpec, redeclare } from "../../simulation/intents";
import { World } from "../../simulation/world";

describe("a restart on the same VM", () => {
  let world: World;

  const replica = (): Replica => world.state!.replicas["p-1"]!;
  const events = () => world.log.map(({ kind }) => kind);
  const status = (wanted: Replica["status"]) => () => world.state!.replicas["p-1"]?.status === wanted;
  const patch = (change: Partial<Replica>) => {
    world.state = { ...world.state!, replicas: { ...world.state!.replicas, "p-1": { ...replica(), ...change } } };
  };
  /** One replica of revision a serves a pool whose revision is b from here on. */
  const serveB = () => {
    const b = poolSpec("p", "b", 1);
    world.declare((intent) => redeclare(intent, [b]));
    world.state = { ...world.state!, pools: { p: { ...world.state!.pools["p"]!, primary: b } } };
  };
  const drainTo = (revision: string) =>
    patch({
      status: "draining",
      drainSince: world.now,
      drainDeadline: world.now + 30_000,
      reason: "its program is replaced",
      afterDrain: { kind: "restart", revision },
    });

  beforeEach(() => {
    world = new World(intentOf([poolSpec("p", "a", 1)]));
    world.until(() => world.state?.replicas["p-1"]?.status === "ready");
  });

  it("follows the drain: the VM and its id stay, and the program is of the new revision", () => {
    const { launchedAt, address } = replica();
    serveB();
    drainTo("b");
    world.until(status("restarting"));
    const { revision, restarts, readyAt, passingSince, drainGeneration, drainDeadline, afterDrain } = replica();
    assert.deepEqual(
      { revision, restarts, readyAt, passingSince, drainGeneration, drainDeadline, afterDrain },
      {
        revision: "b",
        restarts: 1,
        readyAt: null,
        passingSince: null,
        drainGeneration: null,
        drainDeadline: null,
        afterDrain: { kind: "end" },
      },
    );
    world.until(status("ready"));
    assert.deepEqual([replica().launchedAt, replica().address, world.vms.size], [launchedAt, address, 1]);
    assert.equal(world.vms.get("p-1")!.revision, "b");
    const told = events().filter((kind) => kind.startsWith("replica"));
    assert.deepEqual(told.slice(told.indexOf("replicaDrained")), [
      "replicaDrained",
      "replicaRestarting",
      "replicaStarting",
      "replicaReady",
    ]);
  });

  it("is asked for until the VM says that the new program was started, and not before that does a probe count", () => {
    serveB();
    drainTo("b");
    world.until(status("restarting"));
    // Nothing that is asked for arrives: the old program answers its probes all the while.
    world.vms.get("p-1")!.restarts = 0;
    for (let count = 0; count < 50; count += 1) {
      world.tick(100, 0);
      assert.equal(replica().status, "restarting");
    }
    world.until(status("ready"));
    assert.equal(world.vms.get("p-1")!.restarts, 1);
  });

  it("goes on when the earlier program ends itself meanwhile, and blames nobody for that", () => {
    serveB();
    drainTo("b");
    world.until(status("restarting"));
    Object.assign(world.vms.get("p-1")!, { restarts: 0, phase: "ended", exitCode: 143 });
    world.tick(100, 0);
    assert.equal(replica().status, "restarting");
    world.until(status("ready"));
    assert.equal(world.state!.pools["p"]!.failures, null);
  });

  it("is over when the VM is taken away in the middle", () => {
    serveB();
    drainTo("b");
    world.until(status("restarting"));
    world.vms.get("p-1")!.restarts = 0;
    world.lose("p-1");
    world.tick();
    assert.equal(world.state!.replicas["p-1"], undefined);
    world.until(() => world.state!.replicas["p-2"]?.status === "ready");
  });

  it("blames the new revision when its program ends itself at once", () => {
    world.behaviours.set("b", { bootMs: 500, start: "exits", drainMs: 0 });
    serveB();
    drainTo("b");
    world.until(() => world.state!.pools["p"]!.failures !== null);
    const { revision, count, reason } = world.state!.pools["p"]!.failures!;
    assert.deepEqual([revision, count], ["b", 1]);
    assert.match(reason, /^p-1: run ended with exit code 1/);
  });

  it("has its own startup grace, counted from when it was asked for", () => {
    world.behaviours.set("b", { bootMs: 500, start: "never", drainMs: 0 });
    for (let count = 0; count < 100; count += 1) world.tick(1000);
    serveB();
    drainTo("b");
    world.until(status("restarting"));
    const { startedAt } = replica();
    world.until(status("terminating"));
    assert.ok(world.now - startedAt > 60_000 && world.now - startedAt < 61_000);
    assert.match(replica().reason!, /never succeeded within startupGraceSeconds/);
  });

  it("is given up when the cloud has not carried it out within the startup grace", () => {
    serveB();
    drainTo("b");
    world.until(status("restarting"));
    world.vms.get("p-1")!.restarts = 0;
    while (replica().status === "restarting") world.tick(1000, 0);
    assert.match(replica().reason!, /could not be replaced on its VM within startupGraceSeconds \(60 s\)/);
    assert.equal(world.state!.pools["p"]!.failures!.revision, "b");
  });

  it("does not happen when nobody wants its revision any more by the time that it is drained", () => {
    serveB();
    drainTo("c");
    world.until(status("terminating"));
    assert.ok(!events().includes("replicaRestarting"));
  });

  it("does not happen when the service was deleted meanwhile", () => {
    serveB();
    drainTo("b");
    world.declare((intent) => (intent.service.deleting = true));
    world.until(() => world.dissolved);
    assert.ok(!events().includes("replicaRestarting"));
    assert.equal(world.vms.get("p-1")!.restarts, 0);
  });

  it("needs no drain for a replica that was never ready", () => {
    world.behaviours.set("a", { bootMs: 5_000, start: "ready", drainMs: 0 });
    world = new World(intentOf([poolSpec("p", "a", 1)]));
    world.until(() => world.state?.replicas["p-1"]?.status === "starting");
    serveB();
    const draft = new Draft(world.state!, world.now);
    restartNow(draft, replica(), "b");
    world.state = draft.finished();
    assert.deepEqual(draft.events, [{ kind: "replicaRestarting", replica: "p-1", revision: "b", restarts: 1 }]);
    world.until(status("ready"));
    assert.deepEqual([world.vms.size, world.vms.get("p-1")!.revision], [1, "b"]);
  });

  it("may follow another restart before that one is over: only the last program counts", () => {
    serveB();
    drainTo("b");
    world.until(status("restarting"));
    const draft = new Draft(world.state!, world.now);
    restartNow(draft, replica(), "b");
    world.state = draft.finished();
    world.tick(100, 0);
    assert.deepEqual([replica().status, world.vms.get("p-1")!.restarts], ["restarting", 1]);
    world.until(status("ready"));
    assert.equal(world.vms.get("p-1")!.restarts, 2);
  });
});
