import assert from "node:assert/strict";
import { checkEvents } from "../../../provider/core/check/check";
import { poolProgress } from "../../../provider/core/follow";
import type { EventBody } from "../../../provider/core/events";
import type { UserConfigSpec } from "../../../provider/core/spec/pool";
import { intentOf, poolSpec, redeclare } from "../../simulation/intents";
import { World } from "../../simulation/world";

const GRACE_SECONDS = 60;

function config(hash: string, more: Partial<UserConfigSpec> = {}): UserConfigSpec {
  const way = { path: "/reconfigure", method: "POST", timeoutSeconds: 10, onRefusal: "report" } as const;
  return { hash, secret: `config-${hash}`, ...way, ...more };
}

const spec = (revision: string, userConfig: UserConfigSpec | null, replicas = 3) =>
  poolSpec("p", revision, replicas, {
    userConfig,
    specHash: `${revision}/${replicas}/${userConfig?.hash}/${userConfig?.onRefusal}`,
  });

describe("a userConfig", () => {
  let world: World;

  const serving = (userConfig: UserConfigSpec | null, replicas = 3) => {
    world = new World(intentOf([spec("a", userConfig, replicas)]));
    world.until(() => progress().kind === "done");
    return world;
  };
  const declare = (revision: string, userConfig: UserConfigSpec | null, replicas = 3) =>
    world.declare((intent) => redeclare(intent, [spec(revision, userConfig, replicas)]));
  const progress = () => poolProgress(world.intent, world.state, "p");
  const configured = () => Object.values(world.state!.replicas).map(({ id, configured: hash }) => `${id} ${hash}`);
  const told = <K extends EventBody["kind"]>(kind: K) => world.log.filter((event) => event.kind === kind);
  const ticks = (count: number) => {
    for (let tick = 0; tick < count; tick += 1) world.tick();
  };
  const replica = (id: string) => world.state!.replicas[id]!;

  afterEach(() =>
    assert.deepEqual(
      checkEvents(world.log).verdicts.filter(({ violation }) => violation !== null),
      [],
    ),
  );

  it("is taken by every new replica before it is ready, and by those that are started later", () => {
    serving(config("one"));
    assert.deepEqual(configured(), ["p-1 one", "p-2 one", "p-3 one"]);
    for (const id of ["p-1", "p-2", "p-3"]) {
      const kinds = world.log.filter((event) => "replica" in event && event.replica === id).map(({ kind }) => kind);
      assert.deepEqual(kinds, ["replicaLaunching", "replicaStarting", "replicaReconfigured", "replicaReady"]);
    }
    declare("a", config("one"), 4);
    world.until(() => progress().kind === "done");
    assert.equal(replica("p-4").configured, "one");
  });

  it("that changes is pushed to every replica, which stays ready and in traffic, and no process is touched", () => {
    serving(config("one"));
    const { generation } = world.routing!;
    declare("a", config("two"));
    world.until(
      () => progress().kind === "done",
      5,
      () => {
        assert.ok(Object.values(world.state!.replicas).every(({ status }) => status === "ready"));
      },
    );
    assert.deepEqual(configured(), ["p-1 two", "p-2 two", "p-3 two"]);
    assert.equal(world.vms.size, 3);
    assert.equal(world.routing!.generation, generation);
    assert.equal(told("replicaReconfigured").length, 6);
  });

  it("that is new to a running pool, or taken away from it, ends nothing either", () => {
    serving(null);
    declare("a", config("one"));
    world.until(() => progress().kind === "done", 5);
    assert.deepEqual(configured(), ["p-1 one", "p-2 one", "p-3 one"]);
    declare("a", null);
    world.until(() => progress().kind === "done", 5);
    assert.equal(world.vms.size, 3);
  });

  it("is sent again until the replica answers, which shows as work", () => {
    serving(config("one"), 4);
    world.answerToConfig = (id) => (id === "p-2" ? null : "acknowledged");
    declare("a", config("two"), 4);
    ticks(20);
    assert.deepEqual(progress(), { kind: "working", line: "3 of 4 replicas have taken the userConfig" });
    assert.equal(replica("p-2").status, "ready");
    world.answerToConfig = () => "acknowledged";
    world.until(() => progress().kind === "done", 5);
  });

  it("that a starting replica never answers to ends it with the startup grace, and the sentence says so", () => {
    world = new World(intentOf([spec("a", config("one"), 1)]));
    world.answerToConfig = () => null;
    world.until(() => progress().kind === "failed", 5 * GRACE_SECONDS);
    assert.match(
      sentence(),
      /p-\d+: it gave no answer to the userConfig \(POST \/reconfigure\) within startupGraceSeconds/,
    );
    assert.deepEqual(told("replicaReady"), []);
  });

  it("that a starting replica refuses is a failed start at once", () => {
    world = new World(intentOf([spec("a", config("one"), 1)]));
    world.answerToConfig = () => "refused";
    world.until(() => progress().kind === "failed", 10);
    assert.match(sentence(), /p-1: it refused the userConfig \(POST \/reconfigure\): 422: too hot/);
    assert.deepEqual(
      told("configRefused").map((event) => event.kind === "configRefused" && event.reason),
      ["422: too hot"],
    );
  });

  it("that running replicas refuse leaves them serving with the old one, asked once, and `up` fails with the answer", () => {
    serving(config("one"));
    let asked = 0;
    world.answerToConfig = (id) => (id === "p-2" ? ((asked += 1), "refused") : "acknowledged");
    declare("a", config("two"));
    ticks(50);
    assert.equal(asked, 1);
    assert.deepEqual(configured(), ["p-1 two", "p-2 one", "p-3 two"]);
    assert.equal(replica("p-2").status, "ready");
    assert.equal(
      sentence(),
      `replica p-2 of pool "p" refused the userConfig and goes on with what it had: 422: too hot`,
    );
    const [condition] = world.state!.conditions;
    assert.deepEqual(
      [condition?.kind, condition?.pool, condition?.message],
      ["configRefused", "p", "p-2 refused the userConfig: 422: too hot"],
    );

    declare("a", config("one"));
    world.until(() => progress().kind === "done", 5);
    assert.deepEqual(world.state!.conditions, []);
    declare("a", config("two"));
    ticks(5);
    assert.equal(asked, 2, "declared anew, it is asked anew");
  });

  it("with onRefusal replace has whoever refuses replaced, one after the other, while the rest serves", () => {
    const replace = { onRefusal: "replace" } as const;
    serving(config("one", replace));
    const old = new Set(["p-1", "p-2", "p-3"]);
    world.answerToConfig = (id, hash) => (old.has(id) && hash === "two" ? "refused" : "acknowledged");
    declare("a", config("two", replace));
    world.until(
      () => progress().kind === "done",
      120,
      () => {
        assert.ok(Object.values(world.state!.replicas).filter(({ status }) => status === "ready").length >= 2);
        assert.ok(world.living().length <= 3);
      },
    );
    assert.deepEqual(configured(), ["p-4 two", "p-5 two", "p-6 two"]);
    assert.equal(told("replicaDraining").length, 3);
  });

  it("with onRefusal replace stops at the first new replica that refuses too", () => {
    const replace = { onRefusal: "replace" } as const;
    serving(config("one", replace));
    ticks(1200);
    world.answerToConfig = (_, hash) => (hash === "two" ? "refused" : "acknowledged");
    declare("a", config("two", replace));
    world.until(() => progress().kind === "failed", 30);
    assert.match(sentence(), /p-4: it refused the userConfig/);
    ticks(1200);
    assert.deepEqual(
      Object.values(world.state!.replicas)
        .filter(({ status }) => status === "ready")
        .map(({ id }) => id),
      ["p-2", "p-3"],
    );
    const starts = world.vms.size - 3;
    assert.ok(starts < 20, `${starts} starts in two minutes`);
    declare("a", config("one", replace));
    world.until(() => progress().kind === "done", 30);
    assert.equal(Object.keys(world.state!.replicas).length, 3);
  });

  it("never has the last healthy replica replaced", () => {
    const replace = { onRefusal: "replace" } as const;
    serving(config("one", replace), 1);
    world.answerToConfig = (_, hash) => (hash === "two" ? "refused" : "acknowledged");
    declare("a", config("two", replace), 1);
    ticks(100);
    assert.equal(replica("p-1").status, "ready");
    assert.match(sentence(), /replica p-1 of pool "p" refused the userConfig/);
  });

  it("that comes with a new revision is staged with it: canaries get the new one, primaries keep theirs", () => {
    serving(config("one"));
    declare("b", config("two"));
    world.until(
      () => world.state!.lastOutcome !== null,
      600,
      () => {
        for (const { revision, configured: hash } of Object.values(world.state!.replicas)) {
          if (hash !== null) assert.equal(hash, revision === "a" ? "one" : "two");
        }
      },
    );
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    assert.deepEqual(
      new Set(Object.values(world.state!.replicas).map(({ configured: hash }) => hash)),
      new Set(["two"]),
    );
  });

  it("that the canary refuses rolls it back, and the primaries keep theirs", () => {
    serving(config("one"));
    world.answerToConfig = (_, hash) => (hash === "two" ? "refused" : "acknowledged");
    declare("b", config("two"));
    world.until(() => world.state!.lastOutcome !== null && world.state!.rollout === null, 600);
    assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
    assert.match(world.state!.lastOutcome!.reason!, /refused the userConfig .*422: too hot/);
    assert.deepEqual(configured(), ["p-1 one", "p-2 one", "p-3 one"]);
  });

  it("that a crash kept from being sent is sent by the next tick", () => {
    serving(config("one"));
    declare("a", config("two"));
    world.tick(100, 0);
    world.until(() => progress().kind === "done", 5);
    assert.deepEqual(configured(), ["p-1 two", "p-2 two", "p-3 two"]);
  });

  function sentence(): string {
    const now = progress();
    assert.equal(now.kind, "failed", JSON.stringify(now));
    return now.kind === "failed" ? now.reasons[0] : "";
  }
});
