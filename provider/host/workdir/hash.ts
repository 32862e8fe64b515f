import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { hashManifest, type ManifestEntry } from "./manifest";
import { walkWorkdir } from "./walk";

export interface WorkdirContent {
  /** Same paths, contents, executable bits and links give the same hash, on every computer. */
  hash: string;
  files: number;
  bytes: number;
}

/** Content hash of what replicas would get of this folder. Throws InvalidInput that names `template.workdir`. */
export async function hashWorkdir(folder: string): Promise<WorkdirContent> {
  const manifest: ManifestEntry[] = [];
  let bytes = 0;
  for (const entry of await walkWorkdir(folder)) {
    if (entry.kind === "link") {
      manifest.push(entry);
      continue;
    }
    bytes += entry.bytes;
    const sha256 = await sha256Of(join(folder, entry.path));
    manifest.push({ kind: "file", path: entry.path, executable: entry.executable, sha256 });
  }
  return { hash: hashManifest(manifest), files: manifest.length, bytes };
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
