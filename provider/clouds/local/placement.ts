import { ServeError } from "../../core/errors";
import type { LaunchRequest } from "../../ports/cloud";
import { shapeOf, type Shape } from "../../core/spec/shape";
import { updateCloudFile, type CloudFile, type Offer, type Zone } from "./cloud-file";

type LaunchError = CloudFile["launchErrors"][number];
type Market = LaunchRequest["market"];
type Asked = Pick<LaunchRequest, "replicaId" | "market" | "zone" | "resources">;

/** VMs in a zone, or of one shape there, and how many of them are of the spot market. */
export interface InUse {
  all: number;
  spot: number;
}

/** What VMs of a shape in a zone are counted under; null: all of the zone. */
export function placeKey(zone: string, shape: Shape): string {
  return shape === null ? zone : `${zone} ${shape}`;
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
  { replicaId, market, zone: wanted = null, resources }: Asked,
): Promise<string> {
  const shape = shapeOf(resources.accelerators);
  const used = (zone: string) => inUse.get(zone) ?? NONE_IN_USE;
  const zones = cloud.zones
    .filter(({ name }) => wanted === null || name === wanted)
    .sort((a, b) => used(a.name).all - used(b.name).all);
  const of = `${market === "spot" ? "on the spot market " : ""}${shape === null ? "" : `with ${shape} `}`;
  const refuse = (code: LaunchError["code"], where: string) => refused(code, replicaId, `${of}in ${where}`);
  let full: ServeError | null = null;
  for (const zone of zones) {
    const scripted = await spendLaunchError(file, cloud, zone.name, market);
    if (scripted !== null && scripted.code !== "NoCapacity") throw refuse(scripted.code, zone.name);
    if (scripted === null && fits(zone, inUse, market, shape)) return zone.name;
    full = refuse("NoCapacity", zones.map(({ name }) => name).join(", "));
  }
  throw full ?? refuse("NoCapacity", `${wanted}, a zone that there is not`);
}

function fits(zone: Zone, inUse: ReadonlyMap<string, InUse>, market: Market, shape: Shape): boolean {
  const offer = offerOf(zone, shape);
  if (offer === undefined || (market === "spot" ? offer.spotPrice : offer.onDemandPrice) === null) return false;
  return roomIn(zone, inUse, market, shape) !== 0;
}

/** A zone that tells no machines apart has any. */
function offerOf(zone: Zone, shape: Shape): Offer | undefined {
  return shape === null || zone.shapes === undefined ? zone : zone.shapes[shape];
}

/** VMs of a market, and of this shape, that still fit; null: no limit. */
export function roomIn(zone: Zone, inUse: ReadonlyMap<string, InUse>, market: Market, shape: Shape): number | null {
  const offer = offerOf(zone, shape);
  const used = (of: Shape) => inUse.get(placeKey(zone.name, of)) ?? NONE_IN_USE;
  const rooms = [room(zone, used(null), market), offer === undefined ? 0 : room(offer, used(shape), market)];
  const limits = rooms.filter((limit) => limit !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}

function room({ capacity, spotCapacity }: Offer, { all, spot }: InUse, market: Market): number | null {
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
