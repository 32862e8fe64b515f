import assert from "node:assert/strict";
import { violations } from "./invariants";
import { deploy, ended, ids, launchesOf, proved, readyOf, revisions, serving, settled, weights } from "./one-pool";

/**
 * What has hurt the users of other systems, each under the number of its report: here, in the known-bugs files beside it, and
 * by the number in the name of whatever other test shows it. What cannot happen here, and why:
 *
 * - karpenter#1124 (spot for spot only where 15 types are to choose from): there is no rule about how many types a pool
 *   must name. One place is enough, and more only add to the choice (core/spot/placement).
 * - tf-aws#29830 (no automatic rollback where the desired configuration is not given): whoever goes back asks nobody
 *   what to go back to. The pool's whole spec as it serves is in the state, and a kept version has all of its own.
 * - argo#1582 (a wish: canaries that are warm before they get traffic): no SHIFT comes before its canaries have been ready
 *   for minReadySeconds, and a user's request is never what warms one up.
 */
describe("a bug of others that does not happen here", () => {
  describe("a failed update and the healthy old version", () => {
    it("leaves every old replica alone while no canary can be placed (dstack#4186)", () => {
      const world = serving(4);
      const old = ids(world);
      world.refusals = Number.POSITIVE_INFINITY;
      deploy(world, "b", 4);
      for (let tick = 0; tick < 1000; tick += 1) world.tick();
      assert.deepEqual(ids(world), old);
      assert.deepEqual(weights(world), { canary: 0, primary: 100 });
      proved(world);
    });

    it("keeps the same primaries when every canary fails, and nothing takes their names (nomad#6936, nomad#10465)", () => {
      const world = serving(4);
      const old = ids(world);
      world.behaviours.set("b", { bootMs: 500, start: "exits", drainMs: 500 });
      deploy(world, "b", 4);
      world.until(ended(world, 1), 600, () => assert.equal(readyOf(world, "a"), 4));
      assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
      world.until(() => settled(world));
      assert.deepEqual(ids(world), old);
      proved(world);
    });

    it("stops no old replica for a new one that never gets ready (ray#66290)", () => {
      const world = serving(4);
      world.behaviours.set("b", { bootMs: 500, start: "never", drainMs: 500 });
      deploy(world, "b", 4);
      world.until(ended(world, 1), 600, () => assert.equal(readyOf(world, "a"), 4));
      proved(world);
    });

    it("brings the old version back when the new one was ready and is not any more (skypilot#4312)", () => {
      const world = serving(4);
      deploy(world, "b", 4);
      world.until(() => readyOf(world, "b") >= 2);
      for (const vm of world.living()) if (vm.revision === "b") vm.sick = true;
      world.behaviours.set("b", { bootMs: 500, start: "never", drainMs: 500 });
      world.until(ended(world, 1), 600);
      assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
      world.until(() => settled(world));
      assert.deepEqual(revisions(world), ["a"]);
      proved(world);
    });

    it("gives the traffic back to the old version when the new one is lost at the last step (flagger#1931)", () => {
      const world = serving(4);
      deploy(world, "b", 4);
      world.until(() => weights(world).primary === 0 && readyOf(world, "a") > 0);
      for (const { revision, replica } of world.living()) if (revision === "b") world.lose(replica);
      world.until(() => weights(world).primary > 0, 5);
      world.until(() => settled(world));
      assert.deepEqual(revisions(world), ["b"]);
      proved(world);
    });

    it("replaces a lost replica by the version that serves, not by the one that failed (tf-aws#34189)", () => {
      const world = serving(3);
      world.behaviours.set("b", { bootMs: 500, start: "exits", drainMs: 500 });
      deploy(world, "b", 3);
      world.until(ended(world, 1), 600);
      world.until(() => settled(world));
      world.lose(ids(world)[0]!);
      world.until(() => settled(world) && ids(world).length === 3);
      assert.deepEqual(revisions(world), ["a"]);
      proved(world);
    });
  });

  describe("an abort", () => {
    it("touches nothing when no rollout is in progress (argo#1292)", () => {
      const world = serving(4);
      const old = ids(world);
      world.command({ kind: "abort", mode: null });
      for (let tick = 0; tick < 300; tick += 1) world.tick();
      assert.deepEqual(ids(world), old);
      assert.deepEqual(weights(world), { canary: 0, primary: 100 });
      proved(world);
    });

    it("does not hit the rollout that begins after it (argo#1292)", () => {
      const world = serving(2);
      world.command({ kind: "abort", mode: null });
      world.tick();
      deploy(world, "b", 2);
      world.until(ended(world, 1));
      assert.equal(world.state!.lastOutcome!.kind, "promoted");
      proved(world);
    });

    it("wins over the promote that was given with it, in either order (argo#4461)", () => {
      for (const order of ["abort first", "promote first"]) {
        const world = serving(4);
        deploy(world, "b", 4);
        world.until(() => (world.state!.rollout?.cursor ?? 0) >= 3);
        if (order === "abort first") world.command({ kind: "abort", mode: null });
        world.command({ kind: "promote", force: true });
        if (order === "promote first") world.command({ kind: "abort", mode: null });
        world.until(ended(world, 1));
        assert.equal(world.state!.lastOutcome!.kind, "rolledBack", order);
        proved(world);
      }
    });

    it("starts no canary again when the pool grows while it goes back (argo#4973)", () => {
      const world = serving(4);
      deploy(world, "b", 4);
      world.until(() => (world.state!.rollout?.cursor ?? 0) >= 4);
      world.command({ kind: "abort", mode: null });
      world.tick();
      const canaries = launchesOf(world, "b");
      deploy(world, "a", 6);
      world.until(() => settled(world) && ids(world).length === 6);
      assert.deepEqual(revisions(world), ["a"]);
      assert.equal(launchesOf(world, "b"), canaries);
      proved(world);
    });

    it("can be followed by a retry of the same canary (argo#3120)", () => {
      const world = serving(4);
      deploy(world, "b", 4);
      world.until(() => (world.state!.rollout?.cursor ?? 0) >= 4);
      world.command({ kind: "abort", mode: null });
      world.until(ended(world, 1));
      world.until(() => settled(world));
      world.command({ kind: "retry" });
      world.until(ended(world, 2));
      assert.equal(world.state!.lastOutcome!.kind, "promoted");
      proved(world);
    });

    it("takes the canary out of the routing step by step and never puts it back (argo#3078)", () => {
      const world = serving(8);
      deploy(world, "b", 8);
      world.until(() => weights(world).canary >= 75);
      world.command({ kind: "abort", mode: null });
      let before = 1;
      let members = Number.POSITIVE_INFINITY;
      world.until(ended(world, 1), 600, () => {
        const [route] = world.routing!.routes;
        const { canary, primary } = weights(world);
        const [share, now] = [canary / (canary + primary), route!.canary?.replicas.length ?? 0];
        assert.ok(share <= before && now <= members, `${share} after ${before}, ${now} canaries after ${members}`);
        [before, members] = [share, now];
      });
      assert.deepEqual([before, members], [0, 0]);
      proved(world);
    });

    it("leaves no rule of the canary in the routing (argo#1838)", () => {
      const world = serving(4);
      deploy(world, "b", 4);
      world.until(() => weights(world).canary > 0);
      world.command({ kind: "abort", mode: null });
      world.until(ended(world, 1));
      world.until(() => settled(world));
      const [route] = world.routing!.routes;
      assert.deepEqual([route!.canary, route!.draining, route!.primary!.replicas.length], [null, [], 4]);
    });
  });

  describe("a rollback", () => {
    it("restores the capacity before it returns the traffic, from every step (argo#3020, argo#3077)", () => {
      for (let step = 1; step <= 12; step += 1) {
        const world = serving(7);
        deploy(world, "b", 7);
        world.until(() => (world.state!.rollout?.cursor ?? 0) >= step || world.state!.rollout === null);
        if (world.state!.rollout === null) continue;
        world.command({ kind: "abort", mode: null });
        world.until(ended(world, 1), 600, () => {
          const { canary, primary } = weights(world);
          const carried = (primary * 7) / (canary + primary);
          assert.ok(readyOf(world, "a") >= carried, `step ${step}: ${readyOf(world, "a")} ready for ${carried}`);
        });
        proved(world);
      }
    });

    it("starts no more machines at once than the surge allows (argo#4035)", () => {
      const world = serving(40);
      deploy(world, "b", 40);
      world.until(() => readyOf(world, "a") <= 10);
      world.command({ kind: "abort", mode: null });
      world.until(ended(world, 1), 600, () => assert.ok(world.living().length <= 50));
      proved(world);
    });
  });

  describe("the surge", () => {
    it("holds for 40 replicas with traffic routing: never 80 at once (argo#3397, argo#430, argo#3284)", () => {
      const world = serving(40);
      let peak = 0;
      deploy(world, "b", 40);
      world.until(ended(world, 1), 3600, () => (peak = Math.max(peak, world.living().length)));
      assert.equal(peak, 50);
      proved(world);
    });
  });

  describe("another update in mid-rollout", () => {
    it("never lets the stable version get too small for its traffic when a third one arrives (argo#3372, argo#3878, argo#1690, argo#1852, argo#1372)", () => {
      for (let step = 1; step <= 12; step += 1) {
        const world = serving(4);
        deploy(world, "b", 4);
        world.until(() => (world.state!.rollout?.cursor ?? 0) >= step || world.state!.rollout === null);
        deploy(world, "c", 4);
        world.until(
          () => settled(world) && revisions(world).join() === "c",
          3600,
          () => assert.deepEqual(violations(world, { happened: false }), [], `third version at step ${step}`),
        );
        proved(world);
      }
    });

    it("ends up at the third version although the second is stuck (argo#3331)", () => {
      const world = serving(4);
      world.behaviours.set("b", { bootMs: 3_600_000, start: "ready", drainMs: 500 });
      deploy(world, "b", 4);
      world.until(() => world.living().length === 5);
      deploy(world, "c", 4);
      world.until(() => settled(world) && revisions(world).join() === "c", 600);
      proved(world);
    });

    it("makes no third fleet of A in A, B, A (kuberay#4989)", () => {
      const world = serving(4);
      const old = ids(world);
      deploy(world, "b", 4);
      world.until(() => weights(world).canary > 0);
      deploy(world, "a", 4);
      world.until(() => settled(world));
      assert.equal(world.log.filter(({ kind }) => kind === "rolloutStarted").length, 1);
      assert.deepEqual(revisions(world), ["a"]);
      assert.ok(ids(world).filter((id) => old.includes(id)).length >= 3, "what was ready is reused");
      proved(world);
    });

    it("leaks no route over canaries in a row (kserve#2130)", () => {
      const world = serving(2);
      for (const revision of ["b", "c", "d"]) {
        deploy(world, revision, 2);
        world.until(() => settled(world) && revisions(world).join() === revision);
        const [route] = world.routing!.routes;
        assert.deepEqual([route!.canary, route!.draining, route!.primary!.revision], [null, [], revision]);
      }
      proved(world);
    });
  });

  describe("another number of replicas in mid-rollout", () => {
    it("never scales the stable version to nothing, and the rollout ends (argo#1415, argo#3848)", () => {
      for (const replicas of [1, 2, 8]) {
        const world = serving(4);
        deploy(world, "b", 4);
        world.until(() => (world.state!.rollout?.cursor ?? 0) >= 4);
        deploy(world, "b", replicas);
        world.until(
          () => settled(world),
          3600,
          () => assert.ok(readyOf(world, "a") + readyOf(world, "b") >= Math.min(4, replicas)),
        );
        assert.deepEqual([revisions(world), ids(world).length], [["b"], replicas]);
        proved(world);
      }
    });
  });

  describe("a controller that is killed", () => {
    it("goes on from every tick without a second fleet (pulumi#4265)", () => {
      for (let crashAt = 1; crashAt <= 60; crashAt += 3) {
        const world = serving(3);
        deploy(world, "b", 3);
        for (let tick = 0; tick < crashAt; tick += 1) world.tick();
        world.epoch += 1;
        world.tick(100, 0);
        world.until(
          () => settled(world),
          600,
          () => assert.deepEqual(violations(world, { happened: false }), []),
        );
        assert.deepEqual(revisions(world), ["b"]);
        assert.equal(world.log.filter(({ kind }) => kind === "replicaLaunching").length, 6);
        proved(world);
      }
    });

    it("ends what was ending when it was killed, once (skypilot#8563)", () => {
      const world = serving(3);
      deploy(world, "b", 3);
      world.until(() => Object.values(world.state!.replicas).some(({ status }) => status === "terminating"));
      for (let tick = 0; tick < 20; tick += 1) world.tick(100, 0);
      world.until(() => settled(world));
      assert.deepEqual(revisions(world), ["b"]);
      proved(world);
    });
  });

  describe("few replicas", () => {
    it("never drops the only replica before its successor serves (karpenter#2985)", () => {
      const world = serving(1);
      deploy(world, "b", 1);
      world.until(ended(world, 1), 600, () => assert.ok(readyOf(world, "a") + readyOf(world, "b") >= 1));
      proved(world);
    });

    it("gives one replica exact shares of the traffic at any surge, with one canary (argo#1759, argo#1707)", () => {
      const world = serving(1, 10);
      deploy(world, "b", 1);
      const shares = new Set<number>();
      world.until(ended(world, 1), 600, () => {
        const { canary, primary } = weights(world);
        shares.add(canary / (canary + primary));
        assert.ok(world.living().length <= 2);
      });
      assert.ok(shares.has(0.1) && shares.has(0.5) && shares.has(1));
      proved(world);
    });
  });
});
