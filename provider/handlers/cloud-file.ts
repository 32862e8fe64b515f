import { join, resolve } from "node:path";
import { readCloudFile } from "../clouds/local";
import { ServeError, sentenceOf } from "../core/errors";
import { hasUnknown } from "../core/spec/unknown";
import { serviceFolder } from "../host/paths";

interface LocalTargetInput {
  cloudFile?: string | undefined;
}

/** The file that plays a service's cloud; relative to the program's folder, where the handlers work. */
export function cloudFileOf(service: string, { cloudFile }: LocalTargetInput): string {
  return cloudFile === undefined ? join(serviceFolder(service), "cloud.json") : resolve(cloudFile);
}

/** Why the cloud file can play no cloud; null: it can, or it is not there yet, which is a cloud with the defaults. */
export async function whyNotCloud(service: string, target: LocalTargetInput): Promise<string | null> {
  if (hasUnknown(target)) return null;
  const file = cloudFileOf(service, target);
  try {
    await readCloudFile(file);
    return null;
  } catch (error) {
    return error instanceof ServeError ? error.message : `${file} cannot be read (${sentenceOf(error)}): name a file`;
  }
}
