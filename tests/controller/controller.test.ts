import assert from "node:assert/strict";
import { Controller } from "../../provider/controller/controller";
import { referredTo } from "../../provider/controller/upkeep";
import { Draft, firstState } from "../../provider/core/draft";
import { ServeError } from "../../provider/core/errors";
import { restartNow } from "../../provider/core/fleet/restart";
import type { UserConfigSpec } from "../../provider/core/spec/pool";
import type { State } from "../../provider/core/state";
import type { Store } from "../../provider/ports/store";
import { intentOf, poolSpec, redeclare } from "../simulation/intents";
import { removeFolders } from "../store/folders";
import { surge } from "../core/strategies";
import { ScriptedParts } from "./scripted-parts";
import { holder, ownStateHome, redeclared, storeService } from "./stored-service";
import { until } from "./until";

describe("the controller", () => {
  let restore: () => void;
  let stops: (() => Promise<unknown>)[];

  beforeEach(() => {
    restore = ownStateHome();
    stops = [];
  });
  afterEach(async () => {
    for (const stop of stops) await stop();
    restore();
    removeFolders();
  });

  async function started(store: Store, script = new ScriptedParts(store)) {
    const { epoch } = await store.acquireLease(holder());
    const controller = new Controller(script.parts(), epoch, "0.1.0");
    const ending = controller.run();
    const stop = () => {
      controller.stop({ kind: "stopped" });
      return ending;
    };
    stops.push(stop);
    return { controller, script, ending, epoch, stop };
  }

  const state = async (store: Store) => (await store.readState())?.value ?? null;
  const settled = (now: State | null) => {
    const pool = now?.pools["p"];
    return (
      pool?.hasServed === true &&
      now!.rollout === null &&
      Object.values(now!.replicas).length === pool.primary!.replicas &&
      Object.values(now!.replicas).every(({ status }) => status === "ready") &&
      now!.routing.inForce === now!.routing.generation
    );
  };
  const untilSettled = (store: Store, revision: string) =>
    until(`revision ${revision} serves`, async () => {
      const now = await state(store);
      return settled(now) && now!.pools["p"]!.primary!.revision === revision && now;
    });

  it("brings a declared pool up, and rolls it over when it is declared anew", async () => {
    const store = await storeService(intentOf([poolSpec("p", "a", 4)]));
    const { script } = await started(store);
    await untilSettled(store, "a");
    await redeclared(store, (intent) => redeclare(intent, [poolSpec("p", "b", 4)]));
    await untilSettled(store, "b");
    const launched = script.calls.filter((call) => call.startsWith("launch"));
    assert.equal(launched.length, 8);
    assert.equal(new Set(launched).size, 8, "each launch is issued once");
  });

  it("journals every launch and its events before the VM is asked for", async () => {
    const store = await storeService(intentOf([poolSpec("p", "a", 2)]));
    const script = new ScriptedParts(store);
    const journalled: boolean[] = [];
    script.beforeLaunch = async ({ replicaId }) => {
      const events = await store.readEvents(0);
      const told = events.some((event) => event.kind === "replicaLaunching" && event.replica === replicaId);
      journalled.push(told && (await state(store))!.replicas[replicaId] !== undefined);
    };
    await started(store, script);
    await untilSettled(store, "a");
    assert.deepEqual(journalled, [true, true]);
  });

  it("issues a slow launch once, although every tick decides it again", async () => {
    const store = await storeService(intentOf([poolSpec("p", "a", 1)]));
    const script = new ScriptedParts(store);
    let release: () => void = () => undefined;
    script.beforeLaunch = () => new Promise((resolve) => (release = resolve));
    const { controller } = await started(store, script);
    await until("the launch", () => script.calls.includes("launch p-1"));
    for (let look = 0; look < 20; look += 1) {
      controller.lookNow();
      await new Promise((resolve) => setImmediate(resolve));
    }
    release();
    await untilSettled(store, "a");
    assert.deepEqual(
      script.calls.filter((call) => call.startsWith("launch")),
      ["launch p-1"],
    );
  });

  it("tells the next tick about a launch that the cloud refused, and tries another one", async () => {
    const store = await storeService(intentOf([poolSpec("p", "a", 1)]));
    const script = new ScriptedParts(store);
    script.beforeLaunch = async ({ replicaId }) => {
      if (replicaId !== "p-1") return;
      throw new ServeError({ code: "LaunchFailed", scope: "fatal", reasons: ["the image is gone"] });
    };
    await started(store, script);
    await untilSettled(store, "a");
    const failures = (await store.readEvents(0)).filter(({ kind }) => kind === "launchFailed");
    assert.equal(failures.length, 1);
  });

  it("goes on where a predecessor was killed, launches nothing twice and completes its log", async () => {
    const store = await storeService(intentOf([poolSpec("p", "a", 2)]));
    const first = await started(store);
    await untilSettled(store, "a");
    await first.stop();
    await store.releaseLease(first.epoch);
    // As if it had been killed between the state and its events.
    const left = (await store.readState())!;
    const { nextEvent, epoch } = left.value;
    const outbox: State["outbox"] = [{ seq: nextEvent, at: 1, epoch, kind: "orphanSeen", replica: "x-1" }];
    await store.writeState(left.version, { ...left.value, outbox, nextEvent: nextEvent + 1 });

    const second = await started(store, first.script);
    await until("the fence", async () => (await state(store))!.epoch === second.epoch);
    await untilSettled(store, "a");
    const events = await store.readEvents(0);
    assert.ok(events.some(({ kind }) => kind === "orphanSeen"));
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, index) => events[0]!.seq + index),
    );
    assert.equal(first.script.calls.filter((call) => call.startsWith("launch")).length, 2);
  });

  it("finishes a restart that a predecessor had journalled and not carried out, once", async () => {
    const store = await storeService(intentOf([poolSpec("p", "a", 1)]));
    const first = await started(store);
    await untilSettled(store, "a");
    await first.stop();
    await store.releaseLease(first.epoch);
    const left = (await store.readState())!;
    const draft = new Draft(left.value, Date.now());
    restartNow(draft, draft.replicas()[0]!, "a");
    await store.writeState(left.version, draft.finished());

    await started(store, first.script);
    const { replicas } = await untilSettled(store, "a");
    assert.deepEqual([Object.keys(replicas), replicas["p-1"]!.restarts], [["p-1"], 1]);
    assert.deepEqual(
      first.script.calls.filter((call) => /^(launch|restart|terminate)/.test(call)),
      ["launch p-1", "restart p-1 1"],
    );
  });

  it("stops acting as soon as somebody else has taken over (argo#2117)", async () => {
    const store = await storeService(intentOf([poolSpec("p", "a", 1)]));
    const { script, ending, epoch } = await started(store);
    await untilSettled(store, "a");
    await store.releaseLease(epoch);
    const { epoch: newer } = await store.acquireLease(holder());
    const left = (await store.readState())!;
    await store.writeState(left.version, { ...left.value, epoch: newer });
    await redeclared(store, (intent) => redeclare(intent, [poolSpec("p", "a", 3)]));
    assert.deepEqual(await ending, { kind: "fenced" });
    assert.equal(script.calls.filter((call) => call.startsWith("launch")).length, 1);
  });

  it("does nothing while its store cannot be written, says so once, and goes on by itself", async () => {
    const store = await storeService(intentOf([poolSpec("p", "a", 1)]));
    const { script, controller } = await started(store);
    await untilSettled(store, "a");
    const write = store.writeState.bind(store);
    store.writeState = async () => {
      throw new ServeError({ code: "StoreUnwritable", scope: "store", retryable: true, reasons: ["the disk is full"] });
    };
    await redeclared(store, (intent) => redeclare(intent, [poolSpec("p", "a", 2)]));
    await until("the warning", () => script.lines.some((line) => line.includes("the disk is full")));
    controller.lookNow();
    await until("another try", () => script.lines.length > 0);
    assert.equal(script.calls.filter((call) => call.startsWith("launch")).length, 1);
    store.writeState = write;
    await until("two replicas", async () => Object.keys((await state(store))!.replicas).length === 2);
    assert.equal(script.lines.filter((line) => line.includes("the disk is full")).length, 1);
  });

  it("never takes a failed look for an empty world", async () => {
    const store = await storeService(intentOf([poolSpec("p", "a", 2)]));
    const script = new ScriptedParts(store);
    const parts = script.parts();
    const list = () => script.parts().cloud.list();
    const { epoch } = await store.acquireLease(holder());
    const controller = new Controller(parts, epoch, "0.1.0");
    const ending = controller.run();
    stops.push(() => (controller.stop({ kind: "stopped" }), ending));
    await untilSettled(store, "a");
    let failed = 0;
    parts.cloud.list = () => {
      failed += 1;
      return Promise.reject(new Error("the cloud is down"));
    };
    controller.lookNow();
    await until("some failed looks", () => (controller.lookNow(), failed > 5));
    parts.cloud.list = list;
    await untilSettled(store, "a");
    assert.equal((await store.readEvents(0)).filter(({ kind }) => kind === "replicaLost").length, 0);
  });

  describe("with a userConfig", () => {
    const config = { temperature: 0.2, token: "s3cret" };
    const userConfig: UserConfigSpec = {
      hash: "h",
      secret: "config-h",
      path: "/reconfigure",
      method: "POST",
      timeoutSeconds: 5,
      onRefusal: "report",
    };
    const declareConfig = async (store: Store, replicas: number) => {
      await store.putSecret(userConfig.secret, config);
      const spec = poolSpec("p", "a", replicas, { userConfig, specHash: `a/${replicas}/h` });
      await redeclared(store, (intent) => redeclare(intent, [spec]));
    };
    const untilConfigured = (store: Store, replicas: number) =>
      until("all have taken it", async () => {
        const all = Object.values((await state(store))!.replicas);
        return all.length === replicas && all.every(({ configured }) => configured === "h");
      });
    const sent = (script: ScriptedParts) => script.calls.filter((call) => call.startsWith("reconfigure")).sort();
    const text = JSON.stringify(config);

    it("sends it from the store's secrets to each running replica once, and writes it down nowhere", async () => {
      const store = await storeService(intentOf([poolSpec("p", "a", 2)]));
      const { script } = await started(store);
      await untilSettled(store, "a");
      await declareConfig(store, 2);
      await untilConfigured(store, 2);
      assert.deepEqual(sent(script), [`reconfigure p-1 ${text}`, `reconfigure p-2 ${text}`]);
      const written = JSON.stringify([await state(store), await store.readEvents(0), script.lines]);
      assert.doesNotMatch(written, /s3cret/);
    });

    it("sends it again after a pause while there is no answer, and says so in its log", async () => {
      const store = await storeService(intentOf([poolSpec("p", "a", 1)]));
      const { script } = await started(store);
      await untilSettled(store, "a");
      const answer = script.answerToConfig;
      let asked = 0;
      script.answerToConfig = async (request) => {
        asked += 1;
        if (asked <= 2) throw new Error("status 503");
        return answer(request);
      };
      await declareConfig(store, 1);
      await untilConfigured(store, 1);
      assert.equal(asked, 3);
      assert.ok(script.lines.includes("reconfigure p-1 failed: status 503"), script.lines.join("\n"));
    });

    it("keeps an answer until a tick with it could be written down, and asks nobody twice", async () => {
      const store = await storeService(intentOf([poolSpec("p", "a", 1)]));
      const { script, controller } = await started(store);
      await untilSettled(store, "a");
      const write = store.writeState.bind(store);
      let failed = 0;
      const answer = script.answerToConfig;
      script.answerToConfig = (request) => {
        store.writeState = async () => {
          failed += 1;
          throw new ServeError({ code: "StoreUnwritable", scope: "store", reasons: ["the disk is full"] });
        };
        return answer(request);
      };
      await declareConfig(store, 1);
      await until("failed writes", () => (controller.lookNow(), failed > 2));
      store.writeState = write;
      await untilConfigured(store, 1);
      assert.equal(sent(script).length, 1);
    });

    it("keeps the secrets of what is declared, of what serves, of the versions that are kept and of gates", async () => {
      const kept = { ...userConfig, hash: "k", secret: "config-k" };
      const intent = intentOf([poolSpec("p", "b", 1, { userConfig })]);
      const pools = { p: poolSpec("p", "a", 1, { userConfig: kept }) };
      const history = [{ version: 1, serviceRevision: "r", pools, replacedAt: 0 }];
      const strategy = surge(25, { gates: [{ kind: "command", secret: "gate-c", timeoutSeconds: 1 }] });
      intent.rollout = { incarnation: 1, target: {}, strategy, driving: true };
      const { secrets } = referredTo(intent, { ...firstState(), history });
      assert.deepEqual([...secrets].sort(), ["config-h", "config-k", "gate-c"]);
    });
  });

  it("ends the balancer, then what the cloud has, then the store when the service is deleted", async () => {
    const store = await storeService(intentOf([poolSpec("p", "a", 2)]));
    const { script, ending } = await started(store);
    await untilSettled(store, "a");
    await redeclared(store, (intent) => (intent.service.deleting = true));
    assert.deepEqual(await ending, { kind: "dissolved" });
    assert.equal(script.vms.size, 0);
    assert.deepEqual(script.calls.slice(-2), ["shutdown", "purge"]);
    assert.equal(await store.exists(), false);
  });

  it("writes nothing at rest", async () => {
    const store = await storeService(intentOf([poolSpec("p", "a", 2)]));
    const { controller } = await started(store);
    await untilSettled(store, "a");
    const { version } = (await store.readState())!;
    for (let look = 0; look < 20; look += 1) {
      controller.lookNow();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal((await store.readState())!.version, version);
  });
});
