import assert from "node:assert/strict";
import { checkEvents } from "../../provider/core/check/check";
import type { VersionMetrics } from "../../provider/core/observed";
import type { Gate } from "../../provider/core/strategy";
import { metrics } from "../core/gate/metrics";
import { blueGreen, inPlace, rolling, surge } from "../core/strategies";
import { canaryTraffic, declareRevision, declareStrategy, ended, revisions, rolloutOf, serving } from "./service";
import type { World } from "./world";

const FOUR = [{ name: "p", replicas: 4 }];
const ERRORS: Gate = { kind: "errorRate", maxPercent: 1, maxAbovePrimary: 1, minRequests: 100 };
const COMMAND: Gate = { kind: "command", secret: "smoke-test", timeoutSeconds: 60 };

/** Ten requests a tick by the weights in force, of which each version fails its share, or breaks all of them. */
function traffic(world: World, failing: Record<string, number | "breaks"> = {}, requests = 10): void {
  const [route] = world.routing!.routes;
  for (const version of [route?.canary, route?.primary]) {
    if (!version || version.weight === 0 || version.replicas.length === 0) continue;
    const { revision } = version;
    const counted = ((world.versions["p"] ??= {})[revision] ??= metrics(0));
    const fails = failing[revision] ?? 0;
    if (fails === "breaks") add(counted, metrics(0, { failedTries: requests }));
    else add(counted, metrics(requests, { errors: (requests * fails) / 100 }));
  }
}

function add(to: VersionMetrics, more: VersionMetrics): void {
  to.requests += more.requests;
  to.errors += more.errors;
  to.failedTries = (to.failedTries ?? 0) + (more.failedTries ?? 0);
  for (const histogram of ["latency", "timeToFirstByte"] as const) {
    more[histogram].forEach((one, bucket) => (to[histogram][bucket]! += one));
  }
}

function verdicts(world: World): string[] {
  return world.log.flatMap((event) => (event.kind === "gateJudged" ? `${event.percent} ${event.verdict.kind}` : []));
}

function proved(world: World): void {
  assert.deepEqual(
    checkEvents(world.log).verdicts.flatMap(({ violation }) => violation ?? []),
    [],
  );
}

describe("a rollout with gates", () => {
  const strategies = [
    ["surge", surge(25, { gates: [ERRORS] })],
    ["blueGreen", blueGreen({ gates: [ERRORS] })],
    ["rolling", rolling(25, { gates: [ERRORS] })],
    ["inPlace", inPlace(25, { gates: [ERRORS] })],
  ] as const;
  for (const [name, strategy] of strategies) {
    it(`passes each settled step of ${name} and is promoted while both versions answer well`, () => {
      const world = serving(FOUR, strategy);
      declareRevision(world, "b");
      world.until(
        () => ended(world) === 1,
        3600,
        () => traffic(world),
      );
      assert.equal(world.state!.lastOutcome!.kind, "promoted");
      const passed = verdicts(world).filter((verdict) => verdict.endsWith("passed"));
      assert.ok(passed.length >= 1 && passed.at(-1) === "100 passed", verdicts(world).join());
      proved(world);
    });

    it(`goes back from ${name} when the canary fails too many requests, and rejects it with the numbers`, () => {
      const world = serving(FOUR, strategy);
      declareRevision(world, "b");
      world.until(
        () => ended(world) === 1,
        3600,
        () => traffic(world, { b: 10 }),
      );
      const { kind, reason } = world.state!.lastOutcome!;
      assert.equal(kind, "rolledBack");
      assert.match(reason!, /a gate failed at \d+ %: gate 1 \(error rate\): the canary failed 10 % of \d+ requests/);
      const [rejection] = Object.values(world.state!.rejected);
      assert.equal(rejection!.cause, "gateFailed");
      assert.deepEqual(revisions(world), new Set(["a"]));
      proved(world);
    });
  }

  it("goes back from a canary that breaks every connection, though other replicas answer all of its requests", () => {
    const world = serving(FOUR, surge(25, { gates: [ERRORS] }));
    declareRevision(world, "b");
    world.until(
      () => ended(world) === 1,
      3600,
      () => traffic(world, { b: "breaks" }),
    );
    const { kind, reason } = world.state!.lastOutcome!;
    assert.equal(kind, "rolledBack");
    assert.match(reason!, /the canary failed 100 % of \d+ requests \(\d+ of them were answered by other replicas/);
    assert.deepEqual(revisions(world), new Set(["a"]));
    proved(world);
  });

  it("holds without traffic and says so, writes nothing meanwhile, and goes on when an operator promotes it", () => {
    const world = serving(FOUR, surge(50, { gates: [ERRORS] }));
    declareRevision(world, "b");
    const held = "gate 1 (error rate): only 0 of 100 requests of the canary seen";
    const holds = () => world.state!.conditions.some(({ kind, message }) => kind === "gate" && message === held);
    world.until(holds);
    const before = JSON.stringify(world.state);
    for (let tick = 0; tick < 50; tick += 1) world.tick();
    assert.equal(JSON.stringify(world.state), before);
    assert.equal(rolloutOf(world).plan[rolloutOf(world).cursor]!.percent, 50);
    world.command({ kind: "promote", force: false });
    world.until(() => rolloutOf(world).plan[rolloutOf(world).cursor]!.percent === 100 && holds());
    world.command({ kind: "promote", force: false });
    world.until(() => ended(world) === 1);
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    proved(world);
  });

  it("leaves a failing canary to the operator where automatic rollback is off, and asks again what was mended", () => {
    const world = serving([{ name: "p", replicas: 10 }], surge(25, { canaryPercent: 10, gates: [COMMAND] }));
    let verdict: "passed" | "failed" = "failed";
    const asked: string[] = [];
    world.answerToGate = (gate, { percent }) => {
      asked.push(`${gate.secret} ${percent}`);
      return { outcome: verdict, reason: "exit code" };
    };
    declareRevision(world, "b");
    world.until(() => typeof world.state!.rollout?.failed === "string");
    assert.equal(canaryTraffic(world), 10);
    assert.deepEqual(asked, ["smoke-test 10"]);
    verdict = "passed";
    const mended: Gate = { kind: "command", secret: "mended-test", timeoutSeconds: 60 };
    declareStrategy(world, surge(25, { canaryPercent: 10, gates: [mended] }));
    world.until(() => world.state!.rollout?.held?.percent === 10);
    assert.deepEqual(asked, ["smoke-test 10", "mended-test 10"]);
    proved(world);
  });

  it("does not go on by itself past a gate that failed, though it would pass after the load balancer was away", () => {
    const strategy = surge(25, { canaryPercent: 75, gates: [COMMAND] });
    const world = serving([{ name: "p", replicas: 4 }], strategy);
    world.answerToGate = () => ({ outcome: "failed", reason: "exit code" });
    declareRevision(world, "b");
    world.until(() => typeof world.state!.rollout?.failed === "string");
    world.answerToGate = () => ({ outcome: "passed", reason: "exit code" });
    world.forgetGateAnswers();
    world.dataPlaneUp = false;
    world.tick();
    world.dataPlaneUp = true;
    for (let tick = 0; tick < 100; tick += 1) world.tick();
    assert.equal(canaryTraffic(world), 25);
    world.command({ kind: "promote", force: false });
    world.tick();
    world.command({ kind: "promote", force: true });
    world.until(() => world.state!.rollout?.held?.percent === 75);
    assert.deepEqual(
      world.log.flatMap((event) => (event.kind === "commandObeyed" ? [[event.verb, event.detail]] : [])),
      [
        ["promote", "a gate fails: only with --force"],
        ["promote", "force"],
      ],
    );
    proved(world);
  });

  it("asks its command at every settled step, after the bake, once", () => {
    const world = serving(FOUR, surge(50, { bakeSeconds: 30, gates: [COMMAND] }));
    const asked: [number, number][] = [];
    world.answerToGate = (_gate, { percent }) => {
      asked.push([percent, world.now - rolloutOf(world).settledAt!]);
      return { outcome: "passed", reason: "exit code 0" };
    };
    declareRevision(world, "b");
    world.until(() => ended(world) === 1);
    assert.deepEqual(
      asked.map(([percent]) => percent),
      [50, 100],
    );
    for (const [, bakedMs] of asked) assert.ok(bakedMs >= 30_000);
    proved(world);
  });

  it("goes on counting through a restart of the data plane", () => {
    const world = serving(FOUR, surge(50, { gates: [{ ...ERRORS, minRequests: 1000 }] }));
    declareRevision(world, "b");
    world.until(
      () => (world.versions["p"]?.["b"]?.requests ?? 0) >= 500,
      3600,
      () => traffic(world),
    );
    world.versions = {};
    world.until(
      () => ended(world) === 1,
      3600,
      () => traffic(world),
    );
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    proved(world);
  });
});
