import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Debian keeps servers where not every user looks. */
const ALSO = ["/usr/sbin", "/usr/local/sbin"];

export function onPath(name: string): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...ALSO];
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
