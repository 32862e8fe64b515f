import { cheapestPrice, priceOf, type Price } from "./price";

/** Dollars by what they are paid for. */
export interface Dollars {
  spot: number;
  /** On-demand VMs that are meant to be. */
  onDemand: number;
  /** On-demand VMs that stand in for spot. */
  fallback: number;
  /** What the same service would cost with on-demand VMs alone. */
  allOnDemand: number;
}

export const NO_DOLLARS: Readonly<Dollars> = { spot: 0, onDemand: 0, fallback: 0, allOnDemand: 0 };

/** The VMs of one pool, as far as they are billed. */
export interface Fleet {
  /** By zone. */
  zones: ReadonlyMap<string, ZoneFleet>;
  /** Replicas that the pool should have, of both versions in a rollout. */
  wanted: number;
  /** Null: the pool does not use the spot market (any more). */
  spot: { overprovision: number } | null;
}

export interface ZoneFleet {
  spot: number;
  onDemand: number;
  fallback: number;
}

export interface Rate {
  /** Per hour. */
  dollars: Dollars;
  /** VMs whose price is not known: they are not in the sums. */
  unpriced: number;
}

/** What a fleet costs an hour. */
export function rateOf({ zones, wanted, spot }: Fleet, prices: readonly Price[]): Rate {
  const dollars = { ...NO_DOLLARS };
  let [unpriced, vms, spotVms, standIns] = [0, 0, 0, 0];
  for (const [zone, counts] of zones) {
    for (const kind of ["spot", "onDemand", "fallback"] as const) {
      const price = priceOf(prices, zone, kind === "spot" ? "spot" : "onDemand");
      if (price === null) unpriced += counts[kind];
      else dollars[kind] += counts[kind] * price;
      vms += counts[kind];
    }
    spotVms += counts.spot;
    standIns += counts.fallback;
  }
  dollars.allOnDemand =
    spot === null && spotVms === 0
      ? dollars.onDemand
      : onDemandInstead(vms, wanted, standIns + (spot?.overprovision ?? 0)) * (cheapestPrice(prices, "onDemand") ?? 0);
  return { dollars, unpriced };
}

/**
 * VMs that on-demand alone would take: without what only spot makes necessary (stand-ins beside the spot VMs that start,
 * spare replicas), and with what spot did not give. What a rollout has above its goal for a moment, both ways have.
 */
function onDemandInstead(vms: number, wanted: number, extras: number): number {
  return Math.max(wanted, vms - extras);
}
