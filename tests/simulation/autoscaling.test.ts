import assert from "node:assert/strict";
import fc from "fast-check";
import { checkEvents } from "../../provider/core/check/check";
import { poolProgress } from "../../provider/core/follow";
import { up } from "../../provider/core/plan/surge";
import type { ScalingSpec } from "../../provider/core/scale/spec";
import type { Gate, Strategy } from "../../provider/core/strategy";
import { blueGreen, inPlace, rolling, surge } from "../core/strategies";
import { scaling } from "../core/scaling";
import { intentOf, poolSpec, redeclare } from "./intents";
import { violations } from "./invariants";
import { settled } from "./service";
import { World } from "./world";

const QUICK = { upscaleDelaySeconds: 2, downscaleDelaySeconds: 4, windowSeconds: 4 };

function spec(revision: string, bounds: Partial<ScalingSpec>, replicas = bounds.initial ?? 1) {
  return poolSpec("p", revision, replicas, { scaling: scaling({ ...QUICK, ...bounds }) });
}

/** A pool that serves revision a, and has what this load asks for. */
function serving(bounds: Partial<ScalingSpec>, qps: number, strategy: Strategy = surge()): World {
  const world = new World(intentOf([spec("a", bounds)]));
  world.declare((intent) => (intent.rollout!.strategy = strategy));
  demand(world, qps);
  world.until(
    () => settled(world) && live(world) === Math.max(bounds.min ?? 1, Math.min(bounds.max ?? 10, Math.ceil(qps / 2))),
  );
  return world;
}

function demand(world: World, qps: number): void {
  world.load["p"] = { qps, inFlight: Math.ceil(qps / 4) };
}

function live(world: World): number {
  return world.state!.pools["p"]!.primary!.replicas;
}

function refuted(world: World): unknown[] {
  return checkEvents(world.log).verdicts.flatMap(({ violation }) => violation ?? []);
}

/** The cap of the present plan goes down with the load before those that are too many have drained: launches are judged by the log. */
function broken(world: World): string[] {
  return violations(world, { happened: true }).filter((each) => !each.startsWith("cap:"));
}

function seconds(world: World, count: number, each?: () => void): void {
  const end = world.now + count * 1000;
  world.until(() => world.now >= end, count + 10, each);
}

describe("an autoscaled pool in the simulated world", () => {
  it("has what the load asks for after the delays, and says why", () => {
    const world = serving({ min: 1, max: 10 }, 5);
    assert.equal(live(world), 3);
    demand(world, 11);
    world.until(() => settled(world) && live(world) === 6);
    demand(world, 1);
    world.until(() => settled(world) && live(world) === 1);
    assert.equal(world.living().length, 1);
    const [first] = world.log.filter(({ kind }) => kind === "scaled");
    assert.ok(first?.kind === "scaled");
    assert.match(first.reason, /^\S+ requests\/s over 4 s at 2 a replica: more are needed for 2 s\.$/);
    assert.deepEqual(refuted(world), []);
  });

  it("goes on with what it knows when another agent takes over", () => {
    const world = serving({ min: 1, max: 10, upscaleDelaySeconds: 100 }, 1);
    demand(world, 11);
    seconds(world, 60);
    assert.equal(live(world), 1);
    // A new one has nothing but what was written down.
    world.state = structuredClone(world.state);
    world.epoch += 1;
    seconds(world, 46);
    assert.equal(live(world), 6);
  });

  it("has its last replica ended when there is nothing to do, and the first request wakes it at once", () => {
    const world = serving({ min: 0, max: 4 }, 3);
    demand(world, 0);
    world.until(() => settled(world) && live(world) === 0);
    assert.equal(world.living().length, 0);
    assert.equal(poolProgress(world.intent, world.state, "p").kind, "done");
    world.load["p"] = { qps: 0.5, inFlight: 1 };
    world.tick();
    assert.equal(live(world), 1);
    world.tick();
    assert.equal(world.living().length, 1);
    world.until(() => settled(world));
    assert.deepEqual(refuted(world), []);
  });

  it("keeps its number when it is declared anew, within the new bounds", () => {
    const world = serving({ min: 1, max: 10 }, 11);
    world.declare((intent) => redeclare(intent, [{ ...spec("a", { max: 4 }), specHash: "narrow" }]));
    world.tick();
    assert.equal(live(world), 4);
    world.declare((intent) => redeclare(intent, [{ ...spec("a", { max: 8 }), specHash: "wide" }]));
    world.tick();
    assert.equal(live(world), 4);
    world.until(() => settled(world) && live(world) === 6);
    world.declare((intent) => redeclare(intent, [poolSpec("p", "a", 3)]));
    world.until(() => settled(world) && live(world) === 3);
    assert.equal(world.state!.pools["p"]!.scale, null);
    assert.deepEqual(refuted(world), []);
  });

  for (const strategy of [surge(), blueGreen(), rolling(), inPlace()]) {
    it(`is rolled over by ${strategy.kind}, sized for its load, while that doubles, halves and goes (flagger#1209, containers-roadmap#794)`, () => {
      const bounds = { min: 0, max: 12 };
      const world = serving(bounds, 7, strategy);
      world.behaviours.set("b", { bootMs: 6000, start: "ready", drainMs: 500 });
      world.declare((intent) => redeclare(intent, [spec("b", bounds)]));
      const changes = [15, 15, 3, 0];
      let most = 0;
      const began = world.now;
      world.until(
        () => world.log.some(({ kind }) => kind === "rolloutEnded"),
        3600,
        () => {
          demand(world, changes[Math.floor((world.now - began) / 8000)] ?? 1);
          const { cap } = world.state!.rollout ?? { cap: { p: 0 } };
          most = Math.max(most, world.living().length);
          assert.ok(cap["p"] <= Math.max(24, up(12, 125)));
          assert.deepEqual(broken(world), []);
        },
      );
      assert.ok(most > 5, `never more than ${most}`);
      assert.equal(world.state!.lastOutcome?.kind, "promoted");
      demand(world, 0);
      world.until(() => settled(world) && live(world) === 0);
      assert.deepEqual(refuted(world), []);
    });
  }

  it("grows both versions by their share of the load while a rollout is held, and shrinks them too (argo#4369)", () => {
    const world = serving({ min: 1, max: 20 }, 7, surge(25, { canaryPercent: 50 }));
    world.declare((intent) => redeclare(intent, [spec("b", { min: 1, max: 20 })]));
    const counts = () => {
      const by = (revision: string) =>
        world.living().filter((vm) => vm.revision === revision && vm.phase === "up").length;
      return { a: by("a"), b: by("b") };
    };
    const isAt = (a: number, b: number) => () => {
      const now = counts();
      return now.a === a && now.b === b && world.state!.rollout?.held?.percent === 50;
    };
    world.until(isAt(2, 2), 600);
    demand(world, 15);
    world.until(isAt(4, 4), 600);
    demand(world, 7);
    world.until(isAt(2, 2), 600);
    world.command({ kind: "promote", force: false });
    world.until(() => settled(world));
    assert.deepEqual(refuted(world), []);
  });

  it("grows while its rollout is paused, whose canary stays one, and does not move the traffic (nomad#20295)", () => {
    const world = serving({ min: 1, max: 20 }, 7, surge(25, { bakeSeconds: 3 }));
    world.declare((intent) => redeclare(intent, [spec("b", { min: 1, max: 20 })]));
    world.until(() => world.state!.routing.weights.canary === 25 && world.state!.rollout!.settledAt !== null, 600);
    world.command({ kind: "pause" });
    world.tick();
    demand(world, 31);
    seconds(world, 30);
    assert.equal(world.living().length, 16);
    assert.deepEqual(world.state!.routing.weights, { canary: 25, primary: 75 });
    world.command({ kind: "resume" });
    world.until(() => settled(world), 600);
    assert.deepEqual(refuted(world), []);
  });

  it("bakes for as long as it shall, however often it grows meanwhile, and asks its command once", () => {
    const gates: Gate[] = [{ kind: "command", secret: "smoke-test", timeoutSeconds: 60 }];
    const world = serving({ min: 1, max: 40 }, 7, surge(25, { bakeSeconds: 20, gates }));
    const asked: number[] = [];
    world.answerToGate = (_gate, { percent }) => {
      asked.push(percent);
      return { outcome: "passed", reason: "" };
    };
    world.declare((intent) => redeclare(intent, [spec("b", { min: 1, max: 40 })]));
    world.until(() => world.state!.routing.weights.canary === 25 && world.state!.rollout!.settledAt !== null, 600);
    const settledAt = world.now;
    const sizes = new Set<number>();
    world.until(
      () => world.state!.routing.weights.canary > 25,
      600,
      () => {
        demand(world, 7 + 8 * Math.floor((world.now - settledAt) / 5_000));
        sizes.add(world.living().length);
      },
    );
    assert.ok(sizes.size > 3, `it had ${[...sizes].join(", ")} replicas`);
    const baked = (world.now - settledAt) / 1000;
    assert.ok(baked >= 20 && baked < 40, `it baked for ${baked} s`);
    assert.deepEqual(asked, [25]);
    assert.deepEqual(refuted(world), []);
  });

  it("bakes anew when it loses a canary while it grows", () => {
    const world = serving({ min: 1, max: 20 }, 7, surge(25, { bakeSeconds: 60 }));
    world.behaviours.set("b", { bootMs: 20_000, start: "ready", drainMs: 500 });
    world.declare((intent) => redeclare(intent, [spec("b", { min: 1, max: 20 })]));
    world.until(() => world.state!.routing.weights.canary === 25 && world.state!.rollout!.settledAt !== null, 600);
    const settledAt = world.now;
    demand(world, 23);
    world.until(() => world.living().length > 5, 30);
    seconds(world, 5);
    assert.equal(world.state!.rollout!.settledAt, settledAt);
    world.lose(world.living().find(({ revision, phase }) => revision === "b" && phase === "up")!.replica);
    world.until(() => world.state!.rollout!.settledAt === null, 10);
    assert.deepEqual(refuted(world), []);
  });

  it("serves all of the load when its rollout is taken back", () => {
    const world = serving({ min: 1, max: 20 }, 7);
    world.declare((intent) => redeclare(intent, [spec("b", { min: 1, max: 20 })]));
    world.until(() => world.state!.routing.weights.canary === 50, 600);
    demand(world, 23);
    world.command({ kind: "abort", mode: null });
    world.until(() => settled(world) && live(world) === 12, 600);
    assert.equal(world.state!.lastOutcome?.kind, "rolledBack");
    assert.deepEqual(refuted(world), []);
  });

  it("is woken for its rollout, and sleeps when that is over", () => {
    const world = serving({ min: 0, max: 4 }, 1);
    demand(world, 0);
    world.until(() => settled(world) && live(world) === 0);
    world.declare((intent) => redeclare(intent, [spec("b", { min: 0, max: 4 })]));
    world.until(() => world.log.some(({ kind }) => kind === "rolloutEnded"), 600);
    assert.equal(world.state!.lastOutcome?.kind, "promoted");
    world.until(() => settled(world) && live(world) === 0);
    assert.deepEqual(refuted(world), []);
  });

  it("keeps every invariant whatever the load does in a rollout, and its log proves it", () => {
    const strategies = [surge(10), surge(25), surge(100), blueGreen(), rolling(), inPlace()];
    fc.assert(
      fc.property(
        fc.record({
          max: fc.integer({ min: 1, max: 12 }),
          min: fc.integer({ min: 0, max: 2 }),
          initial: fc.integer({ min: 1, max: 4 }),
          strategy: fc.constantFrom(...strategies),
          loads: fc.array(
            fc.record({ at: fc.integer({ min: 0, max: 60_000 }), qps: fc.integer({ min: 0, max: 24 }) }),
            {
              minLength: 1,
              maxLength: 5,
            },
          ),
          bootMs: fc.constantFrom(300, 3000, 9000),
          abortAt: fc.option(fc.integer({ min: 0, max: 60_000 })),
        }),
        ({ strategy, loads, bootMs, abortAt, ...given }) => {
          const min = Math.min(given.min, given.max);
          const bounds = { min, max: given.max, initial: Math.min(given.max, Math.max(min, given.initial)) };
          const world = new World(intentOf([spec("a", bounds)]));
          world.declare((intent) => (intent.rollout!.strategy = strategy));
          demand(world, 8);
          world.until(() => settled(world));
          for (const revision of ["a", "b"]) world.behaviours.set(revision, { bootMs, start: "ready", drainMs: 500 });
          world.declare((intent) => redeclare(intent, [spec("b", bounds)]));
          const began = world.now;
          let aborted = false;
          const most = strategy.kind === "surge" ? up(given.max, 100 + strategy.maxSurgePercent) : 2 * given.max;
          world.until(
            () => world.now - began > 60_000 && settled(world),
            3600,
            () => {
              const at = world.now - began;
              const now = loads.filter((each) => each.at <= at).sort((a, b) => b.at - a.at)[0];
              if (now !== undefined) demand(world, now.qps);
              if (abortAt !== null && at >= abortAt && !aborted) {
                aborted = true;
                world.command({ kind: "abort", mode: null });
              }
              const found = broken(world);
              if (found.length > 0) assert.fail(`${found.join("; ")} ${JSON.stringify(world.summary())}`);
              assert.ok(world.living().length <= most, `${world.living().length} VMs, at most ${most}`);
            },
          );
          assert.deepEqual(refuted(world), []);
        },
      ),
      { numRuns: 40 },
    );
  }).timeout(120_000);
});
