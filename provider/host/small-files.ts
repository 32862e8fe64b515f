import { readdirSync, readFileSync } from "node:fs";

/*
 * Synchronous, for the small files that an agent looks at again and again: handing such a read to a thread and back takes
 * ten times as long as the read, and was most of what an agent at rest did.
 */

/** Null: there is none. */
export function readSmallFile(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch (error) {
    return nothingThere(error, null);
  }
}

/** The names in a folder; none when there is no such folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    return nothingThere(error, []);
  }
}

/** What could not be looked at (too many open files, say) must not be taken for empty. */
export function nothingThere<T>(error: unknown, nothing: T): T {
  if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return nothing;
  throw error;
}
