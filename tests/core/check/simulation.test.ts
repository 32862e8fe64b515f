import assert from "node:assert/strict";
import fc from "fast-check";
import { checkEvents } from "../../../provider/core/check/check";
import { intentOf, poolSpec, redeclare } from "../../simulation/intents";
import { World } from "../../simulation/world";

const rolloutsEnded = (world: World) => world.log.filter(({ kind }) => kind === "rolloutEnded").length;
const serves = (world: World) =>
  Object.values(world.state?.pools ?? {}).length > 0 &&
  Object.values(world.state!.pools).every(({ hasServed }) => hasServed);

function assertHolds(world: World): void {
  const broken = checkEvents(world.log).verdicts.flatMap(({ violation }) => violation ?? []);
  if (broken.length === 0) return;
  const around = world.log
    .filter(({ seq }) => Math.abs(seq - broken[0]!.seq) < 12)
    .map((event) => JSON.stringify(event));
  assert.fail(`${JSON.stringify(broken, null, 1)}\n${around.join("\n")}`);
}

describe("check, over the logs of simulated services", () => {
  it("proves rollouts of random services with losses, refusals, aborts and crashes", () => {
    const fault = fc.record({
      tick: fc.integer({ min: 1, max: 300 }),
      kind: fc.constantFrom("crash", "lose", "abort", "revert", "refuse"),
      pick: fc.nat(),
    });
    const pool = fc.record({ from: fc.integer({ min: 1, max: 9 }), to: fc.integer({ min: 1, max: 9 }) });
    const scenario = fc.record({
      pools: fc.array(pool, { minLength: 1, maxLength: 3 }),
      surge: fc.integer({ min: 1, max: 100 }),
      faults: fc.array(fault, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(scenario, ({ pools, surge, faults }) => {
        const specs = (revision: string, side: "from" | "to") =>
          pools.map((size, index) => poolSpec(`p${index}`, revision, size[side]));
        const world = new World(intentOf(specs("a", "from"), surge));
        world.until(() => serves(world));
        world.declare((intent) => redeclare(intent, specs("b", "to")));
        for (let tick = 0; tick < 3000 && (tick < 300 || rolloutsEnded(world) === 0); tick += 1) {
          const now = faults.filter((each) => each.tick === tick);
          for (const { kind, pick } of now) {
            const up = world.living().filter(({ phase }) => phase === "up");
            if (kind === "lose" && up.length > 0) world.lose(up[pick % up.length]!.replica);
            if (kind === "abort") world.declare((intent) => (intent.commands.abort += 1));
            if (kind === "revert") world.declare((intent) => redeclare(intent, specs("a", "from")));
            if (kind === "refuse") world.refusals = pick % 5;
          }
          world.tick(100, now.some(({ kind }) => kind === "crash") ? 0 : undefined);
        }
        world.declare((intent) => (intent.service.deleting = true));
        world.until(() => world.dissolved);
        assertHolds(world);
      }),
      { numRuns: 25 },
    );
  }).timeout(60_000);
});
