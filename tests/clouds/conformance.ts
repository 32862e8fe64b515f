import assert from "node:assert/strict";
import type { ErrorCode } from "../../provider/core/errors";
import type { ObservedVm } from "../../provider/core/observed";
import type { Cloud, LaunchRequest } from "../../provider/ports/cloud";
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
    await cloud.launch(request("r-1", { run: `trap 'sleep 0.3; exit 0' TERM; while :; do sleep 0.05; done` }));
    await inState("r-1", "running");
    await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 20 });
    assert.equal((await cloud.describe("r-1"))?.state, "ending");
    await gone("r-1");
    await cloud.terminate({ replicaId: "r-1", epoch: 1, graceSeconds: 20 });
  });

  it("ends by force what does not end within its grace", async () => {
    await cloud.launch(request("r-1", { run: `trap '' TERM; while :; do sleep 0.05; done` }));
    await inState("r-1", "running");
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
