import { ServeError } from "../../core/errors";
import type { LaunchRequest } from "../../ports/cloud";
import { updateCloudFile, type CloudFile } from "./cloud-file";

type LaunchError = CloudFile["launchErrors"][number];
type Zone = CloudFile["zones"][number];
type Market = LaunchRequest["market"];
type Asked = Pick<LaunchRequest, "replicaId" | "market" | "zone">;

/** VMs in a zone, and how many of them are of the spot market. */
export interface InUse {
  all: number;
  spot: number;
}

export const NONE_IN_USE: InUse = { all: 0, spot: 0 };

/**
 * The zone for one more VM: the one that is asked for, or of those with room the one with the fewest VMs, the first named
 * among equals. Launch errors that the file scripts are spent here. Throws ServeError with the scope a real cloud would
 * give.
 */
export async function placeVm(
  file: string,
  cloud: CloudFile,
  inUse: ReadonlyMap<string, InUse>,
  { replicaId, market, zone: wanted = null }: Asked,
): Promise<string> {
  const used = (zone: string) => inUse.get(zone) ?? NONE_IN_USE;
  const zones = cloud.zones
    .filter(({ name }) => wanted === null || name === wanted)
    .sort((a, b) => used(a.name).all - used(b.name).all);
  const of = market === "spot" ? "on the spot market " : "";
  const refuse = (code: LaunchError["code"], where: string) => refused(code, replicaId, `${of}in ${where}`);
  let full: ServeError | null = null;
  for (const zone of zones) {
    const scripted = await spendLaunchError(file, cloud, zone.name, market);
    if (scripted !== null && scripted.code !== "NoCapacity") throw refuse(scripted.code, zone.name);
    if (scripted === null && fits(zone, used(zone.name), market)) return zone.name;
    full = refuse("NoCapacity", zones.map(({ name }) => name).join(", "));
  }
  throw full ?? refuse("NoCapacity", `${wanted}, a zone that there is not`);
}

function fits(zone: Zone, inUse: InUse, market: Market): boolean {
  const isOffered = (market === "spot" ? zone.spotPrice : zone.onDemandPrice) !== null;
  return isOffered && roomIn(zone, inUse, market) !== 0;
}

/** VMs of a market that still fit; null: no limit. */
export function roomIn({ capacity, spotCapacity }: Zone, { all, spot }: InUse, market: Market): number | null {
  const rooms = [
    ...(capacity === null ? [] : [capacity - all]),
    ...(market === "onDemand" || spotCapacity === null ? [] : [spotCapacity - spot]),
  ];
  return rooms.length === 0 ? null : Math.max(0, Math.min(...rooms));
}

async function spendLaunchError(
  file: string,
  cloud: CloudFile,
  zone: string,
  market: Market,
): Promise<LaunchError | null> {
  const applies = (error: LaunchError) =>
    (error.zone === undefined || error.zone === zone) && (error.market === undefined || error.market === market);
  if (!cloud.launchErrors.some(applies)) return null;
  let spent: LaunchError | null = null;
  await updateCloudFile(file, (now) => {
    const at = now.launchErrors.findIndex(applies);
    spent = now.launchErrors[at] ?? null;
    const times = spent?.times ?? null;
    if (times === null) return now;
    const left = times === 1 ? [] : [{ ...spent!, times: times - 1 }];
    return { ...now, launchErrors: now.launchErrors.flatMap((each, index) => (index === at ? left : [each])) };
  });
  return spent;
}

function refused(code: LaunchError["code"], replicaId: string, where: string): ServeError {
  switch (code) {
    case "NoCapacity":
      return new ServeError({
        code,
        scope: "zoneAndType",
        retryable: true,
        reasons: [
          `There is no capacity for replica ${replicaId} ${where}: give some with \`pulumi-serve local\`, or wait until ` +
            `other VMs have ended.`,
        ],
      });
    case "QuotaExceeded":
      return new ServeError({
        code,
        scope: "account",
        retryable: true,
        reasons: [`The quota leaves no VM for replica ${replicaId} ${where}: raise it, or wait until VMs have ended.`],
      });
    case "LaunchFailed":
      return new ServeError({
        code,
        scope: "account",
        retryable: true,
        reasons: [`The launch of replica ${replicaId} ${where} failed, as the cloud file says: see its launchErrors.`],
      });
  }
}
