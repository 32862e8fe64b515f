import { createHash } from "node:crypto";

/** What the content hash sees of one entry: no times and no owners, which differ from computer to computer. */
export type ManifestEntry =
  { kind: "file"; path: string; executable: boolean; sha256: string } | { kind: "link"; path: string; target: string };

/** Content hash (64 hex digits). The order in which entries come does not matter. */
export function hashManifest(entries: readonly ManifestEntry[]): string {
  const hash = createHash("sha256").update("pulumi-serve workdir 1\n");
  for (const entry of [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const line =
      entry.kind === "file"
        ? [entry.path, entry.executable ? "executable" : "file", entry.sha256]
        : [entry.path, "link", entry.target];
    hash.update(`${JSON.stringify(line)}\n`);
  }
  return hash.digest("hex");
}
