import assert from "node:assert/strict";
import { poolProgress, rolloutProgress } from "../../../provider/core/follow";
import { surge } from "../../core/strategies";
import { poolSpec, redeclare } from "../intents";
import { deploy, proved, readyOf, serving, settled } from "../one-pool";
import type { World } from "../world";

/** `pulumi up` of a program in which the pool has another revision and the service a second pool. */
function deployWithNewcomer(world: World, more: Parameters<typeof poolSpec>[3] = {}): void {
  world.declare((intent) =>
    redeclare(intent, [poolSpec("p", "b", 2), poolSpec("new", "c", 1, { route: "/new", specHash: "new", ...more })]),
  );
}

describe("what the simulator has found of pools that are new in a rollout, told again", () => {
  it("ends a rollout at once, with the reason, when the new pool that it waits for refuses its userConfig", () => {
    const world = serving(2);
    world.answerToConfig = () => "refused";
    deployWithNewcomer(world, {
      userConfig: { hash: "hot", secret: "s", path: "/config", method: "POST", timeoutSeconds: 5, onRefusal: "report" },
    });
    world.until(() => world.state!.lastOutcome !== null, 120);
    assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
    assert.match(world.state!.lastOutcome!.reason!, /pool "new", which is new, does not come up: .*422: too hot/);
    const progress = rolloutProgress(world.intent, world.state, world.intent.rollout!.target);
    assert.equal(progress.kind, "failed", "`up` says so, and does not wait for the total timeout");
    assert.equal(readyOf(world, "a"), 2);
    proved(world);
  });

  it("leaves it to the operator in a hold, as canaryPercent says, when the new pool does not come up", () => {
    const world = serving(2);
    world.declare((intent) => (intent.rollout!.strategy = surge(25, { canaryPercent: 50 })));
    world.behaviours.set("c", { bootMs: 100, start: "exits", drainMs: 0 });
    deployWithNewcomer(world);
    world.until(() => world.state!.rollout?.failed !== undefined && world.state!.rollout.failed !== null, 120);
    assert.match(world.state!.rollout!.failed!, /pool "new"/);
  });

  it("tries a new pool again that was given up, when an operator retries the rollout that needs it", () => {
    const world = serving(2);
    world.behaviours.set("c", { bootMs: 100, start: "exits", drainMs: 0 });
    deployWithNewcomer(world);
    world.until(() => world.state!.lastOutcome?.kind === "rolledBack", 120);
    world.behaviours.delete("c");
    world.command({ kind: "retry" });
    world.until(() => settled(world) && world.state!.lastOutcome!.kind === "promoted", 600);
    assert.equal(readyOf(world, "c"), 1);
    proved(world);
  });

  it("takes another template of a pool that has never served at once, and the log proves it", () => {
    const world = serving(2);
    const declareNew = (revision: string) =>
      world.declare((intent) => {
        const declared = poolSpec("new", revision, 2, { route: "/new" });
        intent.pools["new"] = { incarnation: 1, deleting: false, declared, attempt: 1 };
      });
    declareNew("c");
    const cs = () => world.living().filter(({ revision }) => revision === "c");
    world.until(() => cs().length === 2);
    cs()[0]!.sick = true;
    world.until(() => readyOf(world, "c") === 1);
    declareNew("d");
    world.until(() => readyOf(world, "d") === 2);
    assert.deepEqual(cs(), []);
    proved(world);
  });

  it("does not call a new pool up before it is, only because a rollout of other pools is in progress", () => {
    const world = serving(2);
    world.declare((intent) => (intent.rollout!.strategy = surge(25, { canaryPercent: 50 })));
    deploy(world, "b", 2);
    world.until(() => world.state!.rollout?.held?.percent === 50);
    world.behaviours.set("c", { bootMs: 5_000, start: "ready", drainMs: 0 });
    world.declare((intent) => {
      const declared = poolSpec("new", "c", 1, { route: "/new" });
      intent.pools["new"] = { incarnation: 1, deleting: false, declared, attempt: 1 };
    });
    const up = () => poolProgress(world.intent, world.state, "new").kind === "done";
    world.until(() => Object.values(world.state!.replicas).some(({ pool }) => pool === "new"));
    assert.equal(up(), false);
    world.until(up, 60);
    assert.equal(readyOf(world, "c"), 1);
  });

  it("does not declare a pool anew in every tick of the deletion of its service", () => {
    const world = serving(1);
    world.declare((intent) => {
      const declared = poolSpec("new", "c", 1, { route: "/new" });
      intent.pools["new"] = { incarnation: 1, deleting: false, declared, attempt: 1 };
      intent.service.deleting = true;
    });
    world.until(() => world.dissolved);
    const told = world.log.filter((event) => event.kind === "poolDeclared" && event.pool === "new");
    assert.deepEqual(told, []);
  });
});
