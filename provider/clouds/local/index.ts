import { join } from "node:path";
import { stateHome } from "../../host/paths";
import type { Cloud } from "../../ports/cloud";
import { replicasWith } from "./folders";
import { LocalCloud } from "./local-cloud";
import { WatchedCloudFile } from "./watched-cloud-file";

export {
  failLaunches,
  giveCapacity,
  giveNotice,
  readCloudFile,
  takeCapacity,
  updateCloudFile,
  type CloudFile,
  type LaunchErrorCode,
  type Offer,
  type Room,
} from "./cloud-file";
export { targetFolder, targetsThere } from "./folders";
export { pricesIn } from "./prices";
export { killReplica } from "./kill";
export { lastLines, LOG_LIMIT_BYTES } from "./log";
export { LISTED_AFTER_END_MS } from "./observe";
export { SERVICE_TAG } from "./tagged-processes";

export interface LocalCloudOptions {
  /** The target's: see `targetFolder`. */
  serviceFolder: string;
  /** `<project>/<stack>/<service>`, for messages. */
  service: string;
  /** The intent's `uid`: the tag that every process of the service carries. */
  uid: string;
  /** The JSON file that plays the cloud. Default `defaultCloudFile()`. */
  cloudFile?: string;
  /** Gets a sentence when the cloud file is broken and the last good one counts. Default: a process warning. */
  warn?: (sentence: string) => void;
}

/** A cloud of real processes on this computer. */
export function openLocalCloud({ serviceFolder, service, uid, cloudFile, warn }: LocalCloudOptions): Cloud {
  const path = cloudFile ?? defaultCloudFile();
  const toStderr = (sentence: string) => process.emitWarning(`${service}: ${sentence}`, "PulumiServeCloudWarning");
  return new LocalCloud(serviceFolder, uid, { path, watched: new WatchedCloudFile(path, warn ?? toStderr) });
}

export function defaultCloudFile(): string {
  return join(stateHome(), "local-cloud.json");
}

/** Where a replica's stdout and stderr are; `<path>.1` holds what was rotated away. */
export function replicaLog(serviceFolder: string, replicaId: string): string {
  return replicasWith(serviceFolder, replicaId).logOf(replicaId);
}
