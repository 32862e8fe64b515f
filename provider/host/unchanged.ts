import { statSync } from "node:fs";
import { nothingThere } from "./small-files";

/** A file that was written this lately may be written again without its time showing it. */
const CLOCK_GRAIN_MS = 1_000;
/** Folders come and go for years; who is forgotten is read once more. */
const MOST = 1_000;

/** Names what a file or folder holds without reading it: another content has another mark. Null: there is none. */
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
 * Small files that hardly ever change and are looked at all the time, or the names in a folder: each is read and
 * understood once, and again when its mark is another. To see that it is the same costs a quarter of reading it.
 */
export class Unchanged<T> {
  private readonly known = new Map<string, { mark: string; content: T }>();

  /** @param look what it throws is thrown at every look */
  constructor(private readonly look: (path: string) => T) {}

  read(path: string): T {
    const found = markOf(path);
    const known = this.known.get(path);
    if (known !== undefined && known.mark === found?.mark) return known.content;
    const content = this.look(path);
    this.known.delete(path);
    if (found === null || Date.now() - found.writtenAt < CLOCK_GRAIN_MS) return content;
    if (this.known.size >= MOST) this.known.clear();
    this.known.set(path, { mark: found.mark, content });
    return content;
  }
}
