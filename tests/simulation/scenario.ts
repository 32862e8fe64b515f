import fc from "fast-check";
import type { PoolSpec } from "../../provider/core/spec/pool";
import { poolSpec, redeclare } from "./intents";
import type { World } from "./world";

interface Fault {
  tick: number;
  kind: "crash" | "lose" | "notice" | "abort" | "revert" | "refuse" | "dataPlane";
  /** What is struck, where there is a choice. */
  pick: number;
}

export interface Scenario {
  pools: { from: number; to: number }[];
  surge: number;
  faults: Fault[];
}

export const LAST_FAULT_TICK = 400;

/** A rollout of random size from revision a to b, and what happens to it on the way. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  pools: fc.array(fc.record({ from: fc.integer({ min: 1, max: 12 }), to: fc.integer({ min: 1, max: 12 }) }), {
    minLength: 1,
    maxLength: 3,
  }),
  surge: fc.integer({ min: 1, max: 100 }),
  faults: fc.array(
    fc.record({
      tick: fc.integer({ min: 1, max: LAST_FAULT_TICK }),
      kind: fc.constantFrom(...(["crash", "lose", "notice", "abort", "revert", "refuse", "dataPlane"] as const)),
      pick: fc.nat(),
    }),
    { maxLength: 4 },
  ),
});

export function specsOf({ pools }: Scenario, revision: "a" | "b"): PoolSpec[] {
  const side = revision === "a" ? "from" : "to";
  return pools.map((size, index) => poolSpec(`p${index}`, revision, size[side]));
}

/** One tick with its faults. Returns whether a replica was lost in it, for which no invariant can answer. */
export function tickWithFaults(world: World, scenario: Scenario, tick: number): boolean {
  const now = scenario.faults.filter((fault) => fault.tick === tick);
  let lost = false;
  for (const { kind, pick } of now) {
    switch (kind) {
      case "lose": {
        const vms = world.living().filter(({ phase }) => phase === "up");
        if (vms.length > 1) world.lose(vms[pick % vms.length]!.replica);
        lost = true;
        break;
      }
      case "notice": {
        const vms = world.living().filter(({ phase, replica }) => phase === "up" && !world.notices.has(replica));
        if (vms.length > 1) world.notice(vms[pick % vms.length]!.replica, 5 + (pick % 60));
        lost = true;
        break;
      }
      case "abort":
        world.command({ kind: "abort", mode: null });
        break;
      case "revert":
        world.declare((intent) => redeclare(intent, specsOf(scenario, "a")));
        break;
      case "refuse":
        world.refusals = pick % 5;
        break;
      case "dataPlane":
        world.dataPlaneUp = false;
        break;
      case "crash":
        break;
    }
  }
  if (!world.dataPlaneUp && tick % 20 === 0) world.dataPlaneUp = true;
  world.tick(100, now.some(({ kind }) => kind === "crash") ? 0 : undefined);
  return lost;
}
