import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { serviceFolder, servicesFolder } from "../../host/paths";
import type { Store } from "../../ports/store";
import { FileStore } from "./file-store";
import { readLabel } from "./label";
import { missing } from "./unwritable";

export { LEASE_EXPIRY_MS } from "./lease-file";
export { SWEEP_GRACE_MS } from "./blobs";

export interface FileStoreOptions {
  /** Gets a sentence for each damaged file that was set aside. Default: a process warning, which goes to stderr. */
  warn?: (sentence: string) => void;
}

/** The store of a service by its identity, `<project>/<stack>/<service>`. Nothing is read or made yet. */
export function openFileStore(identity: string, options: FileStoreOptions = {}): Store {
  return new FileStore(serviceFolder(identity), identity, options.warn ?? toStderr);
}

/** The store in this folder, for those who only know where it is. Throws StoreMissing. */
export function openFileStoreAt(folder: string, options: FileStoreOptions = {}): Store {
  const label = readLabel(folder);
  if (label === null) throw missing(folder);
  return new FileStore(folder, label.identity, options.warn ?? toStderr);
}

/** Every service of this user that has a store on this computer, sorted by identity. */
export async function listServices(): Promise<{ identity: string; folder: string }[]> {
  const names = await readdir(servicesFolder()).catch(() => [] as string[]);
  const services: { identity: string; folder: string }[] = [];
  for (const name of names) {
    const folder = join(servicesFolder(), name);
    // A folder whose label is damaged is still shown, by its name: it must not look as if nothing were there.
    const identity = name.includes(".removing-") ? null : identityOf(folder, name);
    if (identity !== null) services.push({ identity, folder });
  }
  return services.sort((a, b) => (a.identity < b.identity ? -1 : 1));
}

function identityOf(folder: string, fallback: string): string | null {
  try {
    return readLabel(folder)?.identity ?? null;
  } catch {
    return fallback;
  }
}

function toStderr(sentence: string): void {
  process.emitWarning(sentence, "PulumiServeStoreWarning");
}
