import type { Candidate, Slot } from "../spot/candidate";
import { NO_MEMORY, note, PACE, type Pace, type PlacementEvent } from "../spot/memory";
import { mix, NO_SPOT_STATE, type Mix } from "../spot/mix";
import { choose } from "../spot/placement";
import type { SpotSpec } from "../spot/spec";
import type { Policy } from "./policy";
import { countOf, endSurplus, type Prices, type SpotWorld } from "./spot-world";

/** What the agent does, with the agent's own functions. */
export function ownPolicy(name: string, spec: SpotSpec, prices: Prices, pace: Pace = PACE): Policy {
  let memory = NO_MEMORY;
  let state = NO_SPOT_STATE;
  const known = new Set<string>();
  return {
    name,
    act(world, wanted, lost) {
      const now = world.now;
      const candidates = candidatesOf(world, prices);
      const spots = candidates.filter(({ market }) => market === "spot");
      const learn = (event: PlacementEvent) => (memory = note(memory, event, now, pace));
      const candidateOf = ({ zone }: Slot) => spots.find((one) => one.zone === zone)!;
      for (const slot of lost) learn({ kind: "lost", candidate: candidateOf(slot), preempted: true });
      for (const slot of world.vms) {
        if (slot.market !== "spot" || slot.readyAt === null || known.has(slot.id)) continue;
        known.add(slot.id);
        learn({ kind: "ready", candidate: candidateOf(slot), afterMs: slot.readyAt - slot.launchedAt });
      }
      let wish: Mix;
      // Each refusal is remembered and changes both what is wished and where it may go.
      for (;;) {
        wish = mix({ spec, state, memory, candidates, wanted, slots: world.vms, now, pace });
        if (countOf(world, "spot") >= wish.spot) break;
        const { cautionSeconds } = spec;
        const choice = choose({ candidates: spots, memory, slots: world.vms, now, cautionSeconds, pace });
        if (choice === null) break;
        const { candidate } = choice;
        if (world.launchSpot(candidate.zone) !== null) continue;
        learn({ kind: "refused", candidate, scope: "zoneAndType", reason: "no capacity" });
      }
      state = wish.state;
      const base = wish.onDemand - wish.fallback;
      while (countOf(world, "onDemand") < wish.onDemand) world.launchOnDemand(countOf(world, "onDemand") >= base);
      endSurplus(world, "spot", wish.spot);
      endSurplus(world, "onDemand", wish.onDemand);
    },
  };
}

function candidatesOf({ traces }: SpotWorld, prices: Prices): Candidate[] {
  return traces.zones.flatMap(({ zone, region }) =>
    (["spot", "onDemand"] as const).map((market) => ({
      key: `trace/${region}/${zone}/${market}`,
      target: "trace",
      region,
      zone,
      shape: "replica",
      market,
      dollarsPerHour: prices[market],
    })),
  );
}
