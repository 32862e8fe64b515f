import type { Policy } from "./policy";
import { countOf, endSurplus, zonesOf, type SpotWorld } from "./spot-world";

/**
 * SpotHedge as published (EuroSys '25): N + V spot replicas; min(N, N + V - ready spot) on-demand, started and ended in
 * the moment that this changes; a zone that took or refused a VM is benched until fewer than two are left, then all are
 * back; the next VM goes to the active zone with the fewest of ours. One mercy: a zone that refused is not asked again
 * in the same look. Literally, with two of three zones out, the third would never get a second VM.
 */
export function spotHedge(overprovision: number): Policy {
  let active: string[] | null = null;
  let benched: string[] = [];
  const bench = (zone: string) => {
    active = active!.filter((one) => one !== zone);
    benched = [...benched.filter((one) => one !== zone), zone];
    if (active.length >= 2) return;
    active = [...active, ...benched];
    benched = [];
  };
  return {
    name: `SpotHedge +${overprovision}`,
    act(world, wanted, lost) {
      active ??= zonesOf(world);
      for (const { zone } of lost) bench(zone);
      launchMissing(world, wanted + overprovision, (refused) => {
        const open = active!.filter((zone) => !refused.has(zone));
        const zone = fewest(world, open.length > 0 ? open : benched.filter((one) => !refused.has(one)));
        return { zone, onRefusal: bench };
      });
      endSurplus(world, "spot", wanted + overprovision);
      const ready = world.vms.filter(({ market, status }) => market === "spot" && status === "ready").length;
      const standIns = Math.min(wanted, Math.max(0, wanted + overprovision - ready));
      for (let missing = standIns - countOf(world, "onDemand"); missing > 0; missing -= 1) world.launchOnDemand(true);
      endSurplus(world, "onDemand", standIns);
    },
  };
}

/** Spot only; each launch goes to the zone after the last one's. */
export function roundRobin(overprovision: number): Policy {
  let next = 0;
  return {
    name: `RoundRobin +${overprovision}`,
    act(world, wanted) {
      const zones = zonesOf(world);
      launchMissing(world, wanted + overprovision, (refused) => {
        if (refused.size === zones.length) return { zone: null, onRefusal: () => undefined };
        return { zone: zones[next++ % zones.length]!, onRefusal: () => undefined };
      });
      endSurplus(world, "spot", wanted + overprovision);
    },
  };
}

/** Spot only, an equal share in every zone: what a zone cannot give is missing. */
export function evenSpread(overprovision: number): Policy {
  return {
    name: `EvenSpread +${overprovision}`,
    act(world, wanted) {
      const zones = zonesOf(world);
      const total = wanted + overprovision;
      zones.forEach((zone, index) => {
        const share = Math.floor(total / zones.length) + (index < total % zones.length ? 1 : 0);
        for (let missing = share - inZone(world, zone); missing > 0; missing -= 1) {
          if (world.launchSpot(zone) === null) break;
        }
        for (let surplus = inZone(world, zone) - share; surplus > 0; surplus -= 1) {
          world.end(world.vms.findLast((vm) => vm.zone === zone)!.id);
        }
      });
    },
  };
}

/** Launches until the target is there or there is no zone left to ask. */
function launchMissing(
  world: SpotWorld,
  target: number,
  pick: (refused: ReadonlySet<string>) => { zone: string | null; onRefusal: (zone: string) => void },
): void {
  const refused = new Set<string>();
  while (countOf(world, "spot") < target) {
    const { zone, onRefusal } = pick(refused);
    if (zone === null) return;
    if (world.launchSpot(zone) !== null) continue;
    refused.add(zone);
    onRefusal(zone);
  }
}

function fewest(world: SpotWorld, [first, ...others]: readonly string[]): string | null {
  if (first === undefined) return null;
  return others.reduce((best, zone) => (inZone(world, zone) < inZone(world, best) ? zone : best), first);
}

function inZone(world: SpotWorld, zone: string): number {
  return world.vms.filter((vm) => vm.market === "spot" && vm.zone === zone).length;
}
