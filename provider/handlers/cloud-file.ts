import { join, resolve } from "node:path";
import { serviceFolder } from "../host/paths";

/** The file that plays a service's cloud; relative to the program's folder, where the handlers work. */
export function cloudFileOf(service: string, { cloudFile }: { cloudFile?: string | undefined }): string {
  return cloudFile === undefined ? join(serviceFolder(service), "cloud.json") : resolve(cloudFile);
}
