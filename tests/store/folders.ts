import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made: string[] = [];

/** A new folder that `removeFolders` takes away again. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pulumi-serve-test-"));
  made.push(folder);
  return folder;
}

export function removeFolders(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}
