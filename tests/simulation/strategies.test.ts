import assert from "node:assert/strict";
import type { ServeEvent } from "../../provider/core/events";
import type { Strategy } from "../../provider/core/strategy";
import { blueGreen, inPlace, rolling, surge } from "../core/strategies";
import { poolSpec, redeclare } from "./intents";
import {
  canaryTraffic,
  declareRevision,
  declareStrategy,
  during,
  follow,
  proved,
  revisions,
  rolloutOf,
  serving,
  settled,
} from "./service";
import type { World } from "./world";

const FOUR = [{ name: "p", replicas: 4 }];

/** What `pulumi up` declares when only the number of replicas is another one. */
function declareNumber(world: World, replicas: number): void {
  world.declare((intent) => {
    const { revision } = intent.pools["p"]!.declared;
    redeclare(intent, [poolSpec("p", revision, replicas)]);
  });
}

function mixes({ pools }: Extract<ServeEvent, { kind: "routed" }>): boolean {
  return Object.values(pools).some(({ canary, primary }) => (canary?.weight ?? 0) > 0 && (primary?.weight ?? 0) > 0);
}

describe("a blueGreen rollout", () => {
  it("never mixes versions and cuts over in one generation, when the canary is whole", () => {
    const world = serving(FOUR, blueGreen());
    declareRevision(world, "b");
    const splits = new Set<string>();
    let peak = 0;
    follow(world, 1, ({ canary }) => {
      const [route] = world.routing!.routes;
      splits.add(`${route!.canary?.weight ?? 0}:${route!.primary?.weight ?? 0}`);
      peak = Math.max(peak, world.living().length);
      if ((route!.canary?.weight ?? 0) > 0) assert.equal(canary, 4);
    });
    assert.deepEqual(splits, new Set(["0:100", "100:0"]));
    assert.equal(peak, 8);
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    proved(world);
  });

  for (const [what, first, then] of [
    ["more", 4, 7],
    ["fewer", 7, 4],
  ] as const) {
    it(`cuts over to the number that is wanted then, whenever before ${what} are declared (A9)`, () => {
      for (let ticks = 0; ; ticks += 3) {
        const world = serving(FOUR, blueGreen());
        declareRevision(world, "b");
        declareNumber(world, first);
        for (let count = 0; count < ticks; count += 1) world.tick();
        if (canaryTraffic(world) === 100) break;
        declareNumber(world, then);
        let atCutOver: number | null = null;
        follow(world, 1, ({ canary }) => {
          if (canaryTraffic(world) === 100) atCutOver ??= canary;
          assert.ok(world.living().length <= 4 + Math.max(first, then));
        });
        assert.equal(atCutOver, then);
        assert.ok(!world.log.some((event) => event.kind === "routed" && mixes(event)));
        world.until(() => settled(world));
        assert.equal(world.living().length, then);
        proved(world);
      }
    });
  }

  it("that is paused takes a number that is declared meanwhile when it goes on, and cuts over to no other", () => {
    const world = serving(FOUR, blueGreen());
    declareRevision(world, "b");
    world.until(() => world.living().length === 8);
    world.command({ kind: "pause" });
    declareNumber(world, 6);
    for (let count = 0; count < 100; count += 1) world.tick();
    assert.equal(world.living().length, 8, "what was under way is finished, and nothing more begins");
    world.command({ kind: "resume" });
    follow(world, 1, ({ canary }) => assert.ok(canaryTraffic(world) === 0 || canary === 6));
    proved(world);
  });

  it("goes back in one generation after the cut-over, to a primary that is still whole", () => {
    const world = serving(FOUR, blueGreen({ bakeSeconds: 60 }));
    declareRevision(world, "b");
    world.until(() => canaryTraffic(world) === 100);
    world.command({ kind: "abort", mode: null });
    follow(world, 1, () => {
      const [route] = world.routing!.routes;
      const weights = [route!.canary?.weight ?? 0, route!.primary?.weight ?? 0];
      assert.ok(weights.includes(0));
      assert.ok(weights[1]! === 0 || route!.primary!.replicas.length === 4);
    });
    assert.deepEqual(revisions(world), new Set(["a"]));
    proved(world);
  });
});

describe("another strategy in mid-rollout", () => {
  const others: [string, Strategy][] = [
    ["a larger surge", surge(100)],
    ["blueGreen", blueGreen()],
    ["rolling", rolling(50)],
    ["inPlace", inPlace(50)],
  ];
  for (const [name, other] of others) {
    it(`lets a surge of 25 % end as it was planned, and counts from the next rollout on: ${name}`, () => {
      const world = serving(FOUR, surge(25));
      declareRevision(world, "b");
      world.until(() => canaryTraffic(world) === 25);
      declareStrategy(world, other);
      const seen = new Set<number>();
      follow(world, 1, () => {
        seen.add(canaryTraffic(world));
        assert.ok(world.living().length <= 5);
      });
      assert.equal(world.state!.lastOutcome!.kind, "promoted");
      assert.deepEqual(
        [...seen].filter((percent) => percent > 0),
        [25, 50, 75, 100],
      );
      world.until(() => settled(world));
      declareRevision(world, "c");
      world.until(() => world.state!.rollout !== null);
      assert.deepEqual(rolloutOf(world).strategy, other);
      follow(world, 2, () => undefined);
      assert.deepEqual(revisions(world), new Set(["c"]));
      proved(world);
    });
  }

  it("goes back by the kind that it went forward by when its revision is taken away as well", () => {
    const world = serving(FOUR, surge(25));
    declareRevision(world, "b");
    world.until(() => canaryTraffic(world) === 25);
    declareRevision(world, "c", blueGreen());
    follow(world, 1, () => assert.ok(world.living().length <= 5));
    assert.equal(world.state!.lastOutcome!.kind, "superseded");
    follow(world, 2, () => assert.ok([0, 100].includes(canaryTraffic(world))));
    assert.deepEqual(revisions(world), new Set(["c"]));
    proved(world);
  });
});

describe("a canary hold", () => {
  it("stops at the split, is over for whoever waits, goes up, down and to the end", () => {
    const world = serving([{ name: "p", replicas: 10 }], surge(25, { canaryPercent: 10 }));
    declareRevision(world, "b");
    const held = (percent: number) => () => world.state!.rollout?.held?.percent === percent;
    world.until(held(10));
    assert.equal(canaryTraffic(world), 10);
    declareStrategy(world, surge(25, { canaryPercent: 40 }));
    world.until(held(40));
    assert.equal(canaryTraffic(world), 40);
    assert.equal(world.living().length, 10);
    declareStrategy(world, surge(25, { canaryPercent: 20 }));
    world.until(held(20));
    assert.equal(canaryTraffic(world), 20);
    declareStrategy(world, surge(25, { canaryPercent: 100 }));
    follow(world, 1, () => assert.ok(world.living().length <= 13));
    assert.deepEqual(revisions(world), new Set(["b"]));
    proved(world);
  });

  it("at 0 % has one canary, for requests that name it", () => {
    const world = serving(FOUR, surge(25, { canaryPercent: 0 }));
    declareRevision(world, "b");
    world.until(() => during(world, (rollout) => rollout.held !== null));
    const [route] = world.routing!.routes;
    assert.equal(route!.canary!.replicas.length, 1);
    assert.equal(route!.canary!.weight, 0);
    assert.equal(route!.primary!.replicas.length, 4);
    declareStrategy(world, surge(25, { canaryPercent: 100 }));
    follow(world, 1, () => undefined);
    proved(world);
  });

  it("is promoted by an operator, which the unchanged program does not undo", () => {
    const world = serving(FOUR, surge(25, { canaryPercent: 25 }));
    declareRevision(world, "b");
    world.until(() => during(world, (rollout) => rollout.held !== null));
    world.command({ kind: "promote", force: false });
    follow(world, 1, () => undefined);
    assert.equal(world.state!.lastOutcome!.kind, "promoted");
    declareRevision(world, "b");
    for (let count = 0; count < 50; count += 1) world.tick();
    assert.deepEqual(revisions(world), new Set(["b"]));
    proved(world);
  });

  it("never goes back by itself: a broken canary loses its traffic and waits for the operator", () => {
    const world = serving(FOUR, surge(25, { canaryPercent: 50 }));
    world.behaviours.set("b", { bootMs: 500, start: "never", drainMs: 500 });
    declareRevision(world, "b");
    world.until(() => during(world, (rollout) => rollout.failed !== null));
    for (let count = 0; count < 100; count += 1) world.tick();
    assert.equal(rolloutOf(world).direction.kind, "forward");
    world.command({ kind: "rollback", mode: null, toVersion: null });
    world.until(() => settled(world));
    assert.deepEqual(revisions(world), new Set(["a"]));
    proved(world);
  });
});

describe("a rolling rollout", () => {
  for (const [replicas, wave] of [
    [4, 1],
    [5, 1],
    [10, 2],
  ] as const) {
    it(`of ${replicas} replicas has at most ${wave} of them down, and no VM too many (argo#2239, kserve#4618)`, () => {
      const world = serving([{ name: "p", replicas }], rolling());
      declareRevision(world, "b");
      let fewest: number = replicas;
      follow(world, 1, ({ canary, primary }) => {
        fewest = Math.min(fewest, canary + primary);
        assert.ok(world.living().length <= replicas);
      });
      assert.equal(fewest, replicas - wave);
      assert.deepEqual(revisions(world), new Set(["b"]));
      proved(world);
    });
  }

  it("that starts first never has fewer ready than before (nomad#5440, ray#66267)", () => {
    const world = serving([{ name: "p", replicas: 10 }], rolling(20, { order: "startFirst" }));
    declareRevision(world, "b");
    let peak = 0;
    follow(world, 1, ({ canary, primary }) => {
      assert.ok(canary + primary >= 10);
      peak = Math.max(peak, world.living().length);
    });
    assert.equal(peak, 12);
    proved(world);
  });

  it("that starts first goes on without that where the cloud has no room for more, and goes back so too", () => {
    for (const end of ["promoted", "rolledBack"]) {
      const world = serving([{ name: "p", replicas: 5 }], rolling(20, { order: "startFirst" }));
      declareRevision(world, "b");
      const full = () => (world.refusals = world.living().length >= 5 ? 1_000 : 0);
      let fewest = 5;
      world.until(() => during(world, ({ plan, cursor }) => plan[cursor]!.pools["p"]!.canary >= 3), 600, full);
      if (end === "rolledBack") world.command({ kind: "abort", mode: null });
      world.until(
        () => world.state!.rollout === null,
        600,
        () => {
          full();
          const ready = Object.values(world.state!.replicas).filter(({ status }) => status === "ready").length;
          fewest = Math.min(fewest, ready);
          assert.ok(world.living().length <= 5);
        },
      );
      assert.equal(world.state!.lastOutcome!.kind, end);
      assert.equal(fewest, 4);
      assert.equal(world.log.filter(({ kind }) => kind === "capacityStarved").length, 0);
      proved(world);
    }
  });

  it("never stops its only replica first, however long the cloud has no room for another", () => {
    const world = serving([{ name: "p", replicas: 1 }], rolling(20, { order: "startFirst", capacityWaitSeconds: 120 }));
    world.refusals = 10_000;
    declareRevision(world, "b");
    world.until(() => during(world, ({ capacity }) => capacity?.starved === true));
    assert.deepEqual(revisions(world), new Set(["a"]));
    assert.equal(world.log.filter(({ kind }) => kind === "replicaDraining").length, 0);
    world.refusals = 0;
    world.until(() => world.state!.lastOutcome?.kind === "promoted");
    proved(world);
  });

  it("of a single replica starts first, unless an outage is allowed (argo#1726, ray#66265)", () => {
    for (const allowOutage of [false, true]) {
      const world = serving([{ name: "p", replicas: 1 }], rolling(20, { allowOutage }));
      declareRevision(world, "b");
      let fewest = 1;
      follow(world, 1, ({ canary, primary }) => (fewest = Math.min(fewest, canary + primary)));
      assert.equal(fewest, allowOutage ? 0 : 1);
      proved(world);
    }
  });

  it("goes back wave by wave", () => {
    const world = serving([{ name: "p", replicas: 10 }], rolling());
    declareRevision(world, "b");
    world.until(() => during(world, ({ plan, cursor }) => plan[cursor]!.pools["p"]!.canary >= 6));
    world.command({ kind: "abort", mode: null });
    follow(world, 1, ({ canary, primary }) => assert.ok(canary + primary >= 8 - 2));
    assert.deepEqual(revisions(world), new Set(["a"]));
    proved(world);
  });
});

describe("an in-place rollout", () => {
  it("restarts replicas on the VMs that they have, wave by wave", () => {
    const world = serving([{ name: "p", replicas: 10 }], inPlace());
    const before = world.living().map(({ replica }) => replica);
    declareRevision(world, "b");
    let fewest = 10;
    follow(world, 1, ({ canary, primary }) => (fewest = Math.min(fewest, canary + primary)));
    assert.equal(fewest, 8);
    assert.deepEqual(
      world.living().map(({ replica }) => replica),
      before,
    );
    assert.deepEqual(revisions(world), new Set(["b"]));
    proved(world);
  });

  it("goes back on the same VMs", () => {
    const world = serving([{ name: "p", replicas: 5 }], inPlace());
    const before = world.living().map(({ replica }) => replica);
    declareRevision(world, "b");
    world.until(() => during(world, ({ plan, cursor }) => plan[cursor]!.pools["p"]!.canary >= 3));
    world.command({ kind: "abort", mode: null });
    follow(world, 1, ({ canary, primary }) => assert.ok(canary + primary >= 3));
    assert.deepEqual(
      world.living().map(({ replica }) => replica),
      before,
    );
    assert.deepEqual(revisions(world), new Set(["a"]));
    proved(world);
  });

  it("that never gets ready goes back with the fleet it began with", () => {
    const world = serving([{ name: "p", replicas: 5 }], inPlace());
    world.behaviours.set("b", { bootMs: 500, start: "exits", drainMs: 500 });
    declareRevision(world, "b");
    follow(world, 1, ({ canary, primary }) => assert.ok(canary + primary >= 4));
    assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
    world.until(() => settled(world));
    assert.deepEqual(revisions(world), new Set(["a"]));
    proved(world);
  });
});
