import assert from "node:assert/strict";
import { createPool, createService, updatePool, updateRollout } from "../../provider/core/declare";
import type { ServeError } from "../../provider/core/errors";
import { factsOf } from "../../provider/core/spec/facts";
import type { PoolSpec } from "../../provider/core/spec/pool";
import { targetOf } from "../../provider/core/target";
import type { Edge } from "../../provider/handlers/edge";
import type { Props } from "../../provider/handlers/handler";
import { rolloutHandler } from "../../provider/handlers/rollout";
import { beginIntent, changeIntent } from "../../provider/handlers/write-intent";
import { systemClock } from "../../provider/host/clock";
import type { Store } from "../../provider/ports/store";
import { openFileStore } from "../../provider/store/file";
import { pulumiServe } from "../cli/run-cli";
import { ownStateHome } from "../controller/stored-service";
import { until } from "../controller/until";
import { intentOf, poolSpec } from "../simulation/intents";
import { removeFolders } from "../store/folders";
import { SimulatedAgent } from "./harness/simulated-agent";

const IDENTITY = "shop/dev/chat";
const ID = `${IDENTITY}/rollouts/chat/1`;
const owner = { project: "shop", stack: "dev", name: "chat", service: IDENTITY };
const [A, B] = [poolSpec("p", "a", 2), poolSpec("p", "b", 2)];

/**
 * After each outcome, what `up` again, `diff`, `refresh`, `status` and `rollout status` say, and what reverting the
 * program does: the real handlers, CLI and store, with an agent in virtual time.
 */
describe("one story of a rollout", function () {
  this.timeout(180_000);
  let restore: () => void;
  let store: Store;
  let agent: SimulatedAgent;
  let deployed: Props;
  let strategy: Props;

  const edge: Edge = {
    openStore: openFileStore,
    ensureAgent: () => Promise.resolve("alive"),
    reporter: () => ({ info: () => {}, warn: () => {} }),
    clock: systemClock,
  };
  const handler = rolloutHandler(edge);

  /** Version 1 ("a") serves. */
  beforeEach(async () => {
    restore = ownStateHome();
    strategy = {};
    store = openFileStore(IDENTITY);
    await store.create();
    const { service } = intentOf([A]);
    await beginIntent(store, (found) => createService(found, { identity: IDENTITY, uid: "u", spec: service.spec }));
    await changeIntent(store, (intent) => createPool(intent, A));
    agent = await SimulatedAgent.start(store);
    await until("version 1 is up", () => agent.state?.pools["p"]?.hasServed);
    const inputs = await checked(A, {});
    deployed = (await handler.create(inputs)).outs;
  });
  afterEach(async () => {
    await agent.stop();
    restore();
    removeFolders();
  });

  async function checked(pool: PoolSpec, olds: Props): Promise<Props> {
    const { inputs, failures } = await handler.check(olds, { ...owner, pools: [factsOf(pool)], strategy });
    assert.deepEqual(failures, []);
    return inputs;
  }

  /** `pulumi up` of a program with this pool: the pool first, then the Rollout, from what Pulumi has stored. */
  async function up(pool: PoolSpec): Promise<Props> {
    await changeIntent(store, (intent) => updatePool(intent, pool));
    return update(pool);
  }

  async function update(pool: PoolSpec): Promise<Props> {
    const news = await checked(pool, deployed);
    try {
      return (deployed = (await handler.update(ID, deployed, news)).outs);
    } catch (error) {
      // After a failure Pulumi keeps the old inputs and the outputs that the error carries.
      const { properties } = error as { properties: Props };
      deployed = { ...properties };
      throw error;
    }
  }

  async function failure(pool: PoolSpec): Promise<string> {
    return (await thrown(up(pool))).message;
  }

  function thrown(run: Promise<Props>): Promise<Error> {
    return run.then(
      () => assert.fail("it must not succeed"),
      (error: Error) => error,
    );
  }

  async function drifted(pool: PoolSpec): Promise<boolean> {
    const news = await checked(pool, deployed);
    const { changes } = await handler.diff(ID, { ...deployed, ...news }, news);
    return changes === true;
  }

  const refreshed = async () => (await handler.read(ID, deployed)).props as Props & { outcome: Props };
  const rolloutsBegun = () => agent.state!.nextRollout;

  /** Every voice says this, nothing has moved, and the way back is success without moving anything. */
  async function tellsOneStory(sentence: RegExp, outcome: Props): Promise<void> {
    const begun = rolloutsBegun();
    const said = await failure(B);
    assert.match(said, sentence);
    assert.match(said, /version 1 serves, and `pulumi up` moves nothing/);
    for (let run = 0; run < 3; run += 1) assert.equal(await failure(B), said, "again and again");
    assert.equal(await drifted(B), true, "so that an unchanged `up` calls update, which fails");

    const told = await pulumiServe("rollout", "status", "--wait");
    assert.equal(told.code, 1);
    assert.equal(told.out.split("\n")[0], said);
    const { out } = await pulumiServe("status");
    assert.ok(out.includes(`chat: ${said}\n`), out);
    assert.match(out, /\nchat +1 /);

    const now = await refreshed();
    assert.equal(now["version"], 1);
    assert.deepEqual([now.outcome["kind"], now.outcome["version"]], [outcome["kind"], 2]);
    assert.match(String((now["rejected"] as Props)["reason"]), outcome["reason"] as RegExp);
    assert.equal((now["rejected"] as Props)["version"], 2);

    const reverted = await up(A);
    assert.deepEqual([reverted["version"], reverted["rejected"]], [1, null]);
    assert.equal(await drifted(A), false);
    assert.equal(rolloutsBegun(), begun, "nothing moved");
    assert.equal((await pulumiServe("rollout", "status")).code, 0);
  }

  it("of a promoted version is told alike", async () => {
    const outs = await up(B);
    const { kind, reason, version } = outs["outcome"] as Props;
    assert.deepEqual([kind, reason, version, outs["version"], outs["rejected"]], ["promoted", null, 2, 2, null]);
    assert.equal(await drifted(B), false);
    assert.deepEqual(await refreshed(), outs);
    assert.match((await pulumiServe("rollout", "status")).out, /^version 2 serves/);
  });

  it("of a canary that failed is told alike", async () => {
    agent.world.behaviours.set("b", { bootMs: 100, start: "exits", drainMs: 0 });
    await failure(B);
    const sentence =
      /version 2, which the program declares, was rolled back and is rejected: the canary of pool "p" failed/;
    await tellsOneStory(sentence, { kind: "rolledBack", reason: /the canary of pool "p" failed/ });
  });

  it("of a rollout that ran out of its time is told alike, with the code that a script asks for", async () => {
    strategy = { timeoutSeconds: 60 };
    agent.world.behaviours.set("b", { bootMs: 3_600_000, start: "ready", drainMs: 0 });
    const slow = poolSpec("p", "b", 2, { readiness: { ...B.readiness, startupGraceSeconds: 7200 } });
    const error = await thrown(up(slow));
    assert.equal((error.cause as ServeError).code, "TimedOut");
    assert.match(error.message, /not over within its timeout of 60 s/);
    await tellsOneStory(/rejected: the rollout was not over within its timeout of 60 s/, {
      kind: "rolledBack",
      reason: /its timeout of 60 s/,
    });
  });

  it("of a rollout that an operator aborted is told alike", async () => {
    agent.world.behaviours.set("b", { bootMs: 3_600_000, start: "ready", drainMs: 0 });
    const waiting = failure(B);
    await until("it is on its way", () => agent.state!.rollout !== null);
    await agent.stop();
    assert.equal((await pulumiServe("rollout", "abort")).code, 0);
    agent.goOn();
    assert.match(await waiting, /an operator aborted/);
    await tellsOneStory(/rejected: an operator aborted/, { kind: "rolledBack", reason: /an operator/ });
  });

  it("of a replica that does not start carries that replica's own words into the outcome", async () => {
    agent.world.behaviours.set("b", { bootMs: 100, start: "exits", drainMs: 0 });
    assert.match(await failure(B), /the canary of pool "p" failed: p-\d+: run ended with exit code 1/);
    const { outcome } = await refreshed();
    assert.match(String(outcome["reason"]), /^the canary of pool "p" failed: p-\d+: run ended with exit code 1/);
  });

  it("of a version that a newer `up` took the place of says so, and what became of the newer one", async () => {
    agent.world.behaviours.set("b", { bootMs: 3_600_000, start: "ready", drainMs: 0 });
    const waiting = thrown(up(B));
    await until("it is on its way", () => agent.state!.rollout !== null);
    // A second person, who reverts the program in mid-rollout.
    await changeIntent(store, (intent) =>
      updateRollout(updatePool(intent, A), targetOf([A]), intent.rollout!.strategy),
    );
    const error = await waiting;
    assert.equal((error.cause as ServeError).code, "Superseded");
    assert.equal(error.message, "another `pulumi up` declared a newer target meanwhile; its outcome counts");
    await until("the way back is over", () => agent.state!.rollout === null);
    const { outcome, version, rejected } = await refreshed();
    assert.deepEqual([outcome["kind"], outcome["version"], version, rejected], ["superseded", 2, 1, null]);
    assert.equal(outcome["reason"], "a newer `pulumi up` declared other revisions");
  });

  it("of a cloud that has nothing to give lets `up` go after capacityWaitSeconds, and is resumed by the next", async () => {
    strategy = { capacityWaitSeconds: 60 };
    agent.world.refusals = Number.POSITIVE_INFINITY;
    const error = await thrown(up(B));
    assert.equal((error.cause as ServeError).code, "CapacityStarved");
    const sentence = /version 2 waits for capacity, for longer than capacityWaitSeconds: .*no capacity/;
    assert.match(error.message, sentence);
    const { outcome, version, rejected } = await refreshed();
    assert.deepEqual([outcome["kind"], version, rejected], ["capacityStarved", 1, null]);
    assert.match(String(outcome["reason"]), sentence);
    const told = await pulumiServe("rollout", "status", "--wait");
    assert.deepEqual([told.code, told.out.split("\n")[0]], [1, error.message]);
    agent.world.refusals = 0;
    await until("there is capacity", () => agent.state!.rollout?.capacity === null || agent.state!.rollout === null);
    assert.deepEqual((await up(B))["version"], 2);
  });

  it("of a promoted version that an operator took back is told alike", async () => {
    await up(B);
    assert.equal((await pulumiServe("rollout", "rollback")).code, 0);
    await until("version 1 serves again", () => {
      const { state } = agent;
      return state!.rollout === null && state!.pools["p"]!.primary!.revision === "a";
    });
    await tellsOneStory(/version 2, which the program declares, was rolled back/, {
      kind: "rolledBack",
      reason: /an operator rolled it back to version 1/,
    });
    assert.deepEqual((await refreshed())["keptVersions"], [2]);
  });

  it("of a hold is told alike, until it is promoted", async () => {
    strategy = { canaryPercent: 50 };
    const outs = await up(B);
    const { kind, version, reason } = outs["outcome"] as Props;
    assert.deepEqual([kind, version, outs["version"], outs["rejected"]], ["held", 2, 1, null]);
    assert.match(String(reason), /version 2 is held at 50 %/);
    assert.equal(await drifted(B), false);
    assert.deepEqual(await refreshed(), outs);
    const waited = await pulumiServe("rollout", "status", "--wait");
    assert.deepEqual([waited.code, waited.out], [0, `${String(reason)}\n`]);
    assert.match((await pulumiServe("status")).out, / {2}held at 50 % for /);

    assert.equal((await pulumiServe("rollout", "promote")).code, 0);
    assert.match((await pulumiServe("rollout", "status", "--wait")).out, /version 2 serves\n$/);
    const after = await refreshed();
    assert.deepEqual([after["version"], after.outcome["kind"]], [2, "promoted"]);
    assert.equal(await drifted(B), false, "the hold that was promoted away is not asked for again");
  });

  it("of a rejected version that is retried ends with that version serving", async () => {
    agent.world.behaviours.set("b", { bootMs: 100, start: "exits", drainMs: 0 });
    const said = await failure(B);
    assert.match(said, /exit|ended/);
    agent.world.behaviours.set("b", { bootMs: 100, start: "ready", drainMs: 0 });
    assert.equal((await pulumiServe("rollout", "retry")).code, 0);
    assert.equal((await pulumiServe("rollout", "status", "--wait")).code, 0);
    const outs = await up(B);
    assert.deepEqual([outs["version"], outs["rejected"], (outs["outcome"] as Props)["kind"]], [2, null, "promoted"]);
  });
});
