import { statSync } from "node:fs";
import { nothingThere, readSmallFile } from "./small-files";

/** A file that was written this lately may be written again without its time showing it. */
const CLOCK_GRAIN_MS = 1_000;
/** Folders come and go for years; who is forgotten is read once more. */
const MOST = 1_000;

/** Names what a file holds without reading it: another content has another mark. Null: there is no file. */
export function markOf(file: string): { mark: string; writtenAt: number } | null {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) return null;
    return { mark: `${found.ino}:${found.size}:${found.mtimeMs}`, writtenAt: found.mtimeMs };
  } catch (error) {
    return nothingThere(error, null);
  }
}

/**
 * Small files that hardly ever change and are looked at all the time: each is read and understood once, and again when
 * its mark is another. To see that it is the same costs a quarter of reading it.
 */
export class UnchangedFiles<T> {
  private readonly known = new Map<string, { mark: string; content: T }>();

  /** @param understand gets null where there is no file; what it throws is thrown at every look */
  constructor(private readonly understand: (bytes: Buffer | null, file: string) => T) {}

  read(file: string): T {
    const found = markOf(file);
    const known = this.known.get(file);
    if (known !== undefined && known.mark === found?.mark) return known.content;
    const content = this.understand(readSmallFile(file), file);
    this.known.delete(file);
    if (found === null || Date.now() - found.writtenAt < CLOCK_GRAIN_MS) return content;
    if (this.known.size >= MOST) this.known.clear();
    this.known.set(file, { mark: found.mark, content });
    return content;
  }
}
