import type { Price } from "../../ports/cloud";
import { readCloudFile, type Offer, type Zone } from "./cloud-file";

/** What a cloud file says that VMs cost, for those who have no cloud open: a plan. */
export async function pricesIn(cloudFile: string): Promise<Price[]> {
  return (await readCloudFile(cloudFile)).zones.flatMap(pricesOf);
}

export function pricesOf({ name, shapes = {}, ...ownOffer }: Zone): Price[] {
  const ofShapes = Object.entries(shapes).flatMap(([shape, offer]) =>
    pricesOfOffer(name, offer).map((price) => ({ ...price, shape })),
  );
  return [...pricesOfOffer(name, ownOffer), ...ofShapes];
}

function pricesOfOffer(zone: string, { onDemandPrice, spotPrice }: Offer): Price[] {
  const prices: Price[] = [];
  if (onDemandPrice !== null) prices.push({ zone, market: "onDemand", dollarsPerHour: onDemandPrice });
  if (spotPrice !== null) prices.push({ zone, market: "spot", dollarsPerHour: spotPrice });
  return prices;
}
