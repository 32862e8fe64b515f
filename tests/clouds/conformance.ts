import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ErrorCode } from "../../provider/core/errors";
import type { ObservedVm } from "../../provider/core/observed";
import type { Cloud, LaunchRequest, RestartRequest } from "../../provider/ports/cloud";
import { until } from "../store/children";

/** What a cloud must bring along to be judged. Each test gets a world of its own. */
export interface CloudHarness {
  /** A cloud as another process would open it: the same world, nothing shared in memory. */
  open(): Cloud;
  /** Takes the machine away from outside. */
  takeAway(replicaId: string): Promise<void>;
  /** Lets the next launch fail so. */
  failNextLaunch(code: "NoCapacity" | "QuotaExceeded"): Promise<void>;
  /** Answers when the replica's program does; the address is what the cloud said. */
  reach(vm: ObservedVm): Promise<string | null>;
  dispose(): Promise<void>;
}

/** Programs that a cloud under test runs; "server" answers `/` with the named env variables as JSON. */
export interface Programs {
  server: Pick<LaunchRequest, "run" | "workdir">;
}

export const refused = (code: ErrorCode) => (error: Error & { code?: string; reasons?: string[] }) => {
  assert.equal(error.code, code, error.stack);
  assert.match(error.reasons![0]!, /\w+ \w+/);
  return true;
};

export function request(replicaId: string, change: Partial<LaunchRequest> = {}): LaunchRequest {
  return {
    replicaId,
    epoch: 1,
    pool: "chat",
    revision: "rev1",
    market: "onDemand",
    setup: null,
    run: "exec sleep 300",
    workdir: null,
    env: {},
    resources: {},
    ...change,
  };
}

export function restart(replicaId: string, restarts: number, change: Partial<RestartRequest> = {}): RestartRequest {
  const { epoch, pool, setup, run, workdir, env } = request(replicaId);
  const revision = `rev${restarts + 1}`;
  return { replicaId, epoch, pool, setup, run, workdir, env, revision, restarts, graceSeconds: 5, ...change };
}

/** Every cloud passes this, whatever it is made of. */
export function cloudConforms(makeHarness: () => Promise<CloudHarness>, programs: Programs): void {
  let harness: CloudHarness;
  let cloud: Cloud;

  beforeEach(async () => {
    harness = await makeHarness();
    cloud = harness.open();
  });
  afterEach(() => harness.dispose());

  const inState = (id: string, state: ObservedVm["state"]) =>
    until(`${id} is ${state}`, async () => {
      const vm = await cloud.describe(id);
      return vm?.state === state ? vm : null;
    });
  const gone = (id: string) => until(`${id} is gone`, async () => (await cloud.describe(id)) === null);

  /** A replica that deals with SIGTERM in its own way: when its server answers, the shell has set its trap. */
  const trapping = async (id: string, onTerm: string) => {
    const { run, workdir } = programs.server;
    await cloud.launch(request(id, { workdir, run: `trap '${onTerm}' TERM; (${run}) & while :; do sleep 0.05; done` }));
    const vm = await inState(id, "running");
    await until(`${id} answers`, () => harness.reach(vm));
  };

  it("runs a replica, says where it is, and lists it under its id", async () => {
    await cloud.launch(request("r-1", { ...programs.server, env: { GREETING: "hello" } }));
    const vm = await inState("r-1", "running");
    assert.deepEqual([vm.replicaId, vm.market, vm.exit], ["r-1", "onDemand", null]);
    assert.match(await until("it answers", () => harness.reach(vm)), /hello/);
    assert.deepEqual(
      (await harness.open().list()).map(({ replicaId }) => replicaId),
      ["r-1"],
    );
  });

  it("launches an id once, however often and by whomever it is asked", async () => {
    const clouds = [cloud, harness.open(), harness.open()];
    await Promise.all(clouds.map((each) => each.launch(request("r-1", { ...programs.server, env: { A: "1" } }))));
    const vm = await inState("r-1", "running");
    await until("it answers", () => harness.reach(vm));
    await cloud.launch(request("r-1", programs.server));
    assert.equal((await cloud.list()).length, 1);
    assert.match((await harness.reach(vm))!, /"A":"1"/);
  });

  it("is no VM before its program was started, and is started when it is asked for again", async () => {
    const workdir = () => Promise.reject(new Error("the blob cannot be read"));
    await assert.rejects(cloud.launch(request("r-1", { ...programs.server, workdir })));
    assert.equal(await cloud.describe("r-1"), null);
    assert.deepEqual(await cloud.list(), []);
    await harness.open().launch(request("r-1", programs.server));
    await inState("r-1", "running");
  });

  it("refuses an id that was given to another revision", async () => {
    await cloud.launch(request("r-1"));
    await assert.rejects(cloud.launch(request("r-1", { revision: "rev2" })), refused("LaunchFailed"));
  });

  it("gives replicas addresses of their own", async () => {
    await Promise.all([1, 2, 3, 4].map((n) => cloud.launch(request(`r-${n}`))));
    const addresses = (await cloud.list()).map(({ address }) => `${address!.host}:${address!.port}`);
    assert.equal(new Set(addresses).size, 4);
  });

  it("ends a replica on request, at once for the caller, and shows it as ending until it is gone", async () => {
    await trapping("r-1", "sleep 0.3; exit 0");
    await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 20 });
    assert.equal((await cloud.describe("r-1"))?.state, "ending");
    await gone("r-1");
    await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 20 });
  });

  it("ends by force what does not end within its grace", async () => {
    await trapping("r-1", "");
    const asked = Date.now();
    await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 0.4 });
    await gone("r-1");
    assert.ok(Date.now() - asked >= 400);
  });

  it("never runs an id again that was ended, even one that it had not known", async () => {
    await cloud.launch(request("r-1"));
    for (const replicaId of ["r-1", "r-unknown"]) {
      await cloud.terminate({ replicaId, epoch: 1, graceSeconds: 0 });
      await gone(replicaId);
      await assert.rejects(harness.open().launch(request(replicaId)), refused("InvalidInput"));
      assert.equal(await cloud.describe(replicaId), null);
    }
  });

  it("refuses an epoch older than the newest that it has seen, whoever asks", async () => {
    await cloud.launch(request("r-1", { epoch: 3 }));
    const other = harness.open();
    await assert.rejects(other.launch(request("r-2", { epoch: 2 })), refused("StaleEpoch"));
    await assert.rejects(other.terminate({ replicaId: "r-1", epoch: 2, graceSeconds: 0 }), refused("StaleEpoch"));
    assert.deepEqual(
      (await other.list()).map(({ replicaId }) => replicaId),
      ["r-1"],
    );
    await other.terminate({ replicaId: "r-1", epoch: 4, graceSeconds: 0 });
    await assert.rejects(cloud.launch(request("r-3", { epoch: 3 })), refused("StaleEpoch"));
  });

  it("says how a program ended by itself, with its last lines, until the replica is terminated", async () => {
    await cloud.launch(request("r-1", { run: "for n in 1 2 3 4 5 6 7; do echo line $n; done; exit 3" }));
    const { exit } = await inState("r-1", "ended");
    const lastLines = ["line 3", "line 4", "line 5", "line 6", "line 7"];
    assert.deepEqual(exit, { phase: "run", code: 3, signal: null, lost: false, lastLines });
    await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 0 });
    await gone("r-1");
  });

  it("says that a setup failed, and does not run then", async () => {
    await cloud.launch(request("r-1", { setup: "echo no such package >&2; exit 9", run: "echo ran" }));
    const { exit } = await inState("r-1", "ended");
    assert.deepEqual(exit, { phase: "setup", code: 9, signal: null, lost: false, lastLines: ["no such package"] });
  });

  it("is booting until its setup is done", async () => {
    await cloud.launch(request("r-1", { setup: "while ! [ -e go ]; do sleep 0.02; done", run: "exec sleep 300" }));
    assert.equal((await cloud.describe("r-1"))?.state, "booting");
    await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 5 });
    await gone("r-1");
  });

  it("tells a machine that was taken away from a program that ended", async () => {
    await cloud.launch(request("r-1"));
    await inState("r-1", "running");
    await harness.takeAway("r-1");
    const { exit } = await inState("r-1", "ended");
    assert.deepEqual([exit!.phase, exit!.lost, exit!.signal], ["run", true, "SIGKILL"]);
  });

  describe("restarts a program on its VM", () => {
    const answer = (vm: ObservedVm) => harness.reach(vm).then((text) => text ?? "");
    const restarted = (count: number) =>
      until(`restart ${count} is told`, async () => {
        const vm = await cloud.describe("r-1");
        return vm?.state === "running" && vm.restarts === count ? vm : null;
      });

    it("keeps the VM, its id and its address, and runs what was asked for, with its own env", async () => {
      await cloud.launch(request("r-1", { ...programs.server, env: { OLD: "1" } }));
      const before = await inState("r-1", "running");
      assert.equal(before.restarts, 0);
      await until("it answers", async () => (await answer(before)).includes(`"OLD":"1"`));
      await cloud.restart(restart("r-1", 1, { ...programs.server, env: { NEW: "2" } }));
      const after = await restarted(1);
      assert.deepEqual(
        [after.replicaId, after.address, after.zone, after.market],
        [before.replicaId, before.address, before.zone, before.market],
      );
      const text = await until("it answers", () => answer(after));
      assert.match(text, /"NEW":"2"/);
      assert.doesNotMatch(text, /"OLD"/);
      assert.equal((await harness.open().list()).length, 1);
    });

    it("does it once for each number, however often and by whomever it is asked, and nothing for one that is past", async () => {
      await cloud.launch(request("r-1", programs.server));
      await inState("r-1", "running");
      const second = restart("r-1", 2, { ...programs.server, env: { N: "two" } });
      await Promise.all([cloud, harness.open(), harness.open()].map((each) => each.restart(second)));
      const vm = await restarted(2);
      await until("it answers", async () => (await answer(vm)).includes(`"N":"two"`));
      await cloud.restart(restart("r-1", 2, { ...programs.server, env: { N: "again" } }));
      await cloud.restart(restart("r-1", 1, { ...programs.server, env: { N: "one" } }));
      await cloud.launch(request("r-1", programs.server));
      assert.match(await answer(await restarted(2)), /"N":"two"/);
      assert.equal((await cloud.list()).length, 1);
    });

    it("ends the old program by force when it does not end within its grace", async () => {
      await cloud.launch(request("r-1", { run: `trap '' TERM; while :; do sleep 0.05; done` }));
      await inState("r-1", "running");
      await cloud.restart(restart("r-1", 1, { graceSeconds: 0.3 }));
      await restarted(1);
    });

    it("goes on from a program that ended itself, and tells the exit of the present one only", async () => {
      await cloud.launch(request("r-1", { run: "echo old words; exit 3" }));
      assert.equal((await inState("r-1", "ended")).restarts, 0);
      await cloud.restart(restart("r-1", 1));
      assert.equal((await restarted(1)).exit, null);
      await cloud.restart(restart("r-1", 2, { run: "exit 4" }));
      const { exit, restarts } = await inState("r-1", "ended");
      assert.deepEqual([restarts, exit], [2, { phase: "run", code: 4, signal: null, lost: false, lastLines: [] }]);
    });

    it("never shows an ended VM while it replaces the program", async () => {
      await cloud.launch(request("r-1", { run: `trap 'sleep 0.2; exit 0' TERM; while :; do sleep 0.05; done` }));
      await inState("r-1", "running");
      let over = false;
      const work = cloud.restart(restart("r-1", 1)).finally(() => (over = true));
      const watcher = harness.open();
      while (!over) {
        const vm = await watcher.describe("r-1");
        assert.ok(vm !== null && (vm.state === "booting" || vm.state === "running"), JSON.stringify(vm));
        // A look may be over without ever having waited, and the restart needs its turn too.
        await nextTurn();
      }
      await work;
      await restarted(1);
    });

    it("refuses an id that was ended, one that it does not know, and an epoch that is past", async () => {
      await cloud.launch(request("r-1", { epoch: 2 }));
      await assert.rejects(harness.open().restart(restart("r-1", 1, { epoch: 1 })), refused("StaleEpoch"));
      await cloud.terminate({ replicaId: "r-1", epoch: 2, graceSeconds: 0 });
      await assert.rejects(cloud.restart(restart("r-1", 1, { epoch: 2 })), refused("InvalidInput"));
      await gone("r-1");
      await assert.rejects(cloud.restart(restart("r-1", 1, { epoch: 2 })), refused("InvalidInput"));
      await assert.rejects(cloud.restart(restart("r-9", 1, { epoch: 2 })), refused("LaunchFailed"));
      assert.deepEqual(await cloud.list(), []);
    });

    it("ends with the VM: what was started last is gone too", async () => {
      await cloud.launch(request("r-1", programs.server));
      await inState("r-1", "running");
      await cloud.restart(restart("r-1", 1, programs.server));
      const vm = await restarted(1);
      await until("it answers", () => answer(vm));
      await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 5 });
      assert.equal((await cloud.describe("r-1"))?.state ?? "ending", "ending");
      await gone("r-1");
      assert.equal(await harness.reach(vm), null);
    });
  });

  it("says in which scope a launch failed, leaves nothing of it, and may succeed the next time", async () => {
    for (const [code, scope] of [
      ["NoCapacity", "zoneAndType"],
      ["QuotaExceeded", "account"],
    ] as const) {
      await harness.failNextLaunch(code);
      await assert.rejects(cloud.launch(request("r-1")), (error: { scope?: string }) => {
        assert.equal(error.scope, scope);
        return refused(code)(error as Error);
      });
      assert.deepEqual(await cloud.list(), []);
    }
    await cloud.launch(request("r-1"));
  });

  it("offers zones with a price for each market that they have", async () => {
    const [offerings, prices] = [await cloud.offerings(), await cloud.prices()];
    assert.ok(offerings.length > 0);
    const key = ({ zone, market }: { zone: string; market: string }) => `${zone} ${market}`;
    assert.deepEqual(offerings.map(key), prices.map(key));
  });

  it("purges everything, and may be asked again", async () => {
    await Promise.all([1, 2].map((n) => cloud.launch(request(`r-${n}`))));
    await cloud.purge();
    await cloud.purge();
    assert.deepEqual(await harness.open().list(), []);
  });
}
