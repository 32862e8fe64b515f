import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** Where a server may be: Debian keeps them in /usr/sbin, which is not on every user's PATH. */
export function serverFolders(): string[] {
  return [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
}

/** The first program of this name that may be run; null: none of the folders has it. */
export function programIn(folders: readonly string[], name: string): string | null {
  for (const folder of folders) {
    const file = join(folder, name);
    if (!isAbsolute(file)) continue;
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not there: the next one.
    }
  }
  return null;
}
