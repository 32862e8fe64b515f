import assert from "node:assert/strict";
import fc from "fast-check";
import { checkEvents } from "../../provider/core/check/check";
import type { RollbackMode, Strategy } from "../../provider/core/strategy";
import { blueGreen, inPlace, rolling, surge } from "../core/strategies";
import { poolSpec, redeclare } from "./intents";
import { serving, settled } from "./service";
import type { World } from "./world";

/** What a person or the world does in the middle of it. */
interface Happening {
  tick: number;
  kind:
    | "declare"
    | "resize"
    | "abort"
    | "pause"
    | "resume"
    | "promote"
    | "rollback"
    | "retry"
    | "lose"
    | "loseVersion"
    | "sick"
    | "refuse"
    | "dataPlane"
    | "crash";
  pick: number;
}

interface Story {
  pools: number[];
  strategies: Strategy[];
  happenings: Happening[];
}

const LAST_TICK = 300;

const modes: fc.Arbitrary<RollbackMode> = fc.oneof(
  fc.constant<RollbackMode>({ mode: "safe" }),
  fc.constant<RollbackMode>({ mode: "immediate" }),
  fc.integer({ min: 1, max: 100 }).map((maxSurgePercent): RollbackMode => ({ mode: "gradual", maxSurgePercent })),
);

const percent = fc.integer({ min: 1, max: 100 });
const strategies: fc.Arbitrary<Strategy> = fc
  .record({
    rollback: modes,
    bakeSeconds: fc.constantFrom(0, 2),
    percent,
    canaryPercent: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
    order: fc.constantFrom("stopFirst" as const, "startFirst" as const),
    allowOutage: fc.boolean(),
    kind: fc.constantFrom("surge", "blueGreen", "rolling", "inPlace"),
  })
  .map(({ kind, percent: size, canaryPercent, order, allowOutage, ...common }) => {
    switch (kind) {
      case "blueGreen":
        return blueGreen(common);
      case "rolling":
        return rolling(size, { ...common, order, allowOutage });
      case "inPlace":
        return inPlace(size, { ...common, allowOutage });
      default:
        return surge(size, canaryPercent === undefined ? common : { ...common, canaryPercent });
    }
  });

const stories: fc.Arbitrary<Story> = fc.record({
  pools: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 2 }),
  strategies: fc.array(strategies, { minLength: 1, maxLength: 2 }),
  happenings: fc.array(
    fc.record({
      tick: fc.integer({ min: 1, max: LAST_TICK }),
      kind: fc.constantFrom<Happening["kind"]>(
        "declare",
        "resize",
        "abort",
        "pause",
        "resume",
        "promote",
        "rollback",
        "retry",
        "lose",
        "loseVersion",
        "sick",
        "refuse",
        "dataPlane",
        "crash",
      ),
      pick: fc.nat(1000),
    }),
    { maxLength: 6 },
  ),
});

function happen(world: World, { strategies }: Story, { kind, pick }: Happening): void {
  const alive = world.living().filter(({ phase }) => phase === "up");
  const one = alive[pick % Math.max(1, alive.length)];
  switch (kind) {
    case "declare":
      return declare(world, ["a", "b", "c"][pick % 3]!, null, strategies[pick % strategies.length]!);
    case "resize":
      return declare(world, null, 1 + (pick % 8), strategies[0]!);
    case "abort":
      return world.command({ kind: "abort", mode: ([null, { mode: "immediate" }] as const)[pick % 2]! });
    case "rollback":
      return world.command({ kind: "rollback", mode: null, toVersion: null });
    case "promote":
      return world.command({ kind: "promote", force: pick % 2 === 0 });
    case "pause":
    case "resume":
    case "retry":
      return world.command({ kind });
    case "lose":
      return one && world.lose(one.replica);
    case "loseVersion":
      return alive.filter(({ revision }) => revision === one?.revision).forEach(({ replica }) => world.lose(replica));
    case "sick":
      if (one) one.sick = true;
      return;
    case "refuse":
      world.refusals = pick % 8;
      return;
    case "dataPlane":
      world.dataPlaneUp = false;
      return;
    case "crash":
      return world.tick(100, pick % 4);
  }
}

function declare(world: World, revision: string | null, replicas: number | null, strategy: Strategy): void {
  world.declare((intent) => {
    const pools = Object.values(intent.pools).map(({ declared }) => declared);
    const next = pools.map((pool) =>
      poolSpec(pool.name, revision ?? pool.revision, replicas ?? pool.replicas, { route: pool.route }),
    );
    redeclare(intent, next);
    intent.rollout!.strategy = strategy;
  });
}

describe("the log of the simulated world", () => {
  it("is proved for every strategy and way back, whatever happens in between", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const pools = story.pools.map((replicas, index) => ({ name: `p${index}`, replicas }));
        const world = serving(pools, story.strategies[0]);
        declare(world, "b", null, story.strategies[0]!);
        for (let tick = 1; tick <= LAST_TICK; tick += 1) {
          for (const each of story.happenings) if (each.tick === tick) happen(world, story, each);
          if (tick % 20 === 0) world.dataPlaneUp = true;
          world.tick();
        }
        // Nothing holds or waits any more: the program goes to the end.
        world.dataPlaneUp = true;
        world.command({ kind: "resume" });
        declare(world, "d", null, surge(50));
        world.until(() => settled(world), 7200);
        assert.deepEqual(new Set(world.living().map(({ revision }) => revision)), new Set(["d"]));
        world.declare((intent) => (intent.service.deleting = true));
        world.until(() => world.dissolved);
        const report = checkEvents(world.log);
        assert.deepEqual(
          report.verdicts.flatMap(({ violation }) => violation ?? []),
          [],
        );
        assert.deepEqual(report.atEnd, { replicas: [], orphans: [] });
        assert.ok(report.rollouts.every(({ outcome }) => outcome !== "inProgress"));
      }),
      { numRuns: Number(process.env["PROOF_RUNS"] ?? 40) },
    );
  }).timeout(600_000);
});
