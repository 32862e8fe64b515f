import type { Price } from "../../ports/cloud";
import { readCloudFile, type CloudFile } from "./cloud-file";

/** What a cloud file says that VMs cost, for those who have no cloud open: a plan. */
export async function pricesIn(cloudFile: string): Promise<Price[]> {
  return (await readCloudFile(cloudFile)).zones.flatMap(pricesOf);
}

export function pricesOf({ name, onDemandPrice, spotPrice }: CloudFile["zones"][number]): Price[] {
  const prices: Price[] = [];
  if (onDemandPrice !== null) prices.push({ zone: name, market: "onDemand", dollarsPerHour: onDemandPrice });
  if (spotPrice !== null) prices.push({ zone: name, market: "spot", dollarsPerHour: spotPrice });
  return prices;
}
