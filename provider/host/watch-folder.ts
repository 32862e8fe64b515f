import { watch } from "node:fs";

/**
 * Calls the listener when something changes in the folder, with its name where the system says it. A word may be lost (on
 * a network disk it never comes): who needs to know looks from time to time as well. Null: the system gives none (too
 * many files are watched, or there is no such folder). Returns what ends it.
 */
export function watchFolder(folder: string, listener: (name: string | null) => void): (() => void) | null {
  try {
    const watcher = watch(folder, { persistent: false }, (_, name) => listener(name));
    // A folder that is removed.
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return null;
  }
}
