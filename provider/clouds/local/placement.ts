import { ServeError } from "../../core/errors";
import { updateCloudFile, type CloudFile } from "./cloud-file";

type LaunchError = CloudFile["launchErrors"][number];

/**
 * The zone for one more VM: of those with room the one with the fewest VMs, the first named among equals. Launch errors
 * that the file scripts are spent here. Throws ServeError with the scope a real cloud would give.
 */
export async function placeVm(
  file: string,
  cloud: CloudFile,
  inUse: ReadonlyMap<string, number>,
  replicaId: string,
): Promise<string> {
  const used = (zone: string) => inUse.get(zone) ?? 0;
  const zones = [...cloud.zones].sort((a, b) => used(a.name) - used(b.name));
  let full: ServeError | null = null;
  for (const zone of zones) {
    const scripted = await spendLaunchError(file, cloud, zone.name);
    if (scripted !== null && scripted.code !== "NoCapacity") throw refused(scripted.code, replicaId, zone.name);
    if (scripted === null && (zone.capacity === null || used(zone.name) < zone.capacity)) return zone.name;
    full = refused("NoCapacity", replicaId, zones.map(({ name }) => name).join(", "));
  }
  throw full ?? refused("LaunchFailed", replicaId, "no zone");
}

async function spendLaunchError(file: string, cloud: CloudFile, zone: string): Promise<LaunchError | null> {
  const applies = (error: LaunchError) => error.zone === undefined || error.zone === zone;
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
          `There is no capacity for replica ${replicaId} in ${where}: give some with \`pulumi-serve local\`, or wait until ` +
            `other VMs have ended.`,
        ],
      });
    case "QuotaExceeded":
      return new ServeError({
        code,
        scope: "account",
        retryable: true,
        reasons: [
          `The quota leaves no VM for replica ${replicaId} in ${where}: raise it, or wait until VMs have ended.`,
        ],
      });
    case "LaunchFailed":
      return new ServeError({
        code,
        scope: "account",
        retryable: true,
        reasons: [
          `The launch of replica ${replicaId} in ${where} failed, as the cloud file says: see its launchErrors.`,
        ],
      });
  }
}
