import { randomBytes } from "node:crypto";
import { link, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

const TEMPORARY = ".tmp-";
const TEMPORARY_STALE_MS = 60_000;

/** Replaces the file as a whole: a reader, and a computer that loses power, sees the old bytes or the new ones. */
export async function replaceFile(file: string, content: string): Promise<void> {
  const temporary = await writeTemporary(file, content);
  try {
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(file));
}

/**
 * Makes the file with this content, or says false when there is one already. link(2) is what decides, so of any number
 * of processes exactly one wins, there is no lock that a killed one could leave behind, and nobody sees half a file.
 */
export async function createFile(file: string, content: string): Promise<boolean> {
  const temporary = await writeTemporary(file, content);
  try {
    await link(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(file));
  return true;
}

/** A name in the same folder that nobody else uses; `removeStaleTemporaries` clears what a killed writer left. */
export function temporaryName(file: string): string {
  return join(dirname(file), `${TEMPORARY}${basename(file)}.${process.pid}.${randomBytes(6).toString("hex")}`);
}

/** Removes half-written files of writers that were killed. Young ones may still be being written. */
export async function removeStaleTemporaries(folder: string, names?: readonly string[]): Promise<void> {
  for (const name of names ?? (await readdir(folder))) {
    if (!name.startsWith(TEMPORARY)) continue;
    const file = join(folder, name);
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > TEMPORARY_STALE_MS) await rm(file, { force: true });
  }
}

async function writeTemporary(file: string, content: string): Promise<string> {
  const temporary = temporaryName(file);
  try {
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return temporary;
}

/** Without this the file's content is on disk, but after a power cut its name may not be. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
