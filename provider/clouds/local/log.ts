import { statSync } from "node:fs";
import { appendFile, open, rename, rm, truncate, writeFile } from "node:fs/promises";

/** A log longer than this is rotated; one old file is kept, so a replica takes about twice this on disk. */
export const LOG_LIMIT_BYTES = 10 * 1024 * 1024;

const TAIL_BYTES = 64 * 1024;

/**
 * Copy and truncate, because the replica holds the file open (for appending, so it goes on at the new end). Only the last
 * part is copied however long the log has grown, and on a full disk nothing is: making room comes before keeping lines.
 */
export async function rotateLog(log: string, limit = LOG_LIMIT_BYTES): Promise<void> {
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) <= limit) return;
  const kept = await readEnd(log, limit, limit);
  if (kept === null) return;
  const temporary = `${log}.1.tmp`;
  try {
    await writeFile(temporary, kept, { mode: 0o600 });
    await rename(temporary, `${log}.1`);
  } catch {
    await rm(temporary, { force: true });
  }
  await truncate(log, 0);
}

/** The last lines of a log; at most 64 KiB are read, and a missing log has none. */
export async function lastLines(log: string, count: number): Promise<string[]> {
  const end = (await readEnd(log, 0, TAIL_BYTES)) ?? Buffer.alloc(0);
  const lines = end.toString("utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.slice(-count).map((line) => (line.length > 500 ? `${line.slice(0, 500)}...` : line));
}

const RESTARTED = "=== pulumi-serve: the program is replaced by revision ";

/** A line between what one program on a VM wrote and what the next one writes. A full disk does without. */
export async function noteRestart(log: string, revision: string): Promise<void> {
  await appendFile(log, `${RESTARTED}${revision} ===\n`, { mode: 0o600 }).catch(() => undefined);
}

/** The last lines of the program that wrote last: what an earlier one said is no reason for its end. */
export async function lastLinesOfProgram(log: string, count: number): Promise<string[]> {
  const lines = await lastLines(log, count);
  return lines.slice(lines.findLastIndex((line) => line.startsWith(RESTARTED)) + 1);
}

/** The last `most` bytes; null when there is no such file or it is not longer than `above`. */
async function readEnd(file: string, above: number, most: number): Promise<Buffer | null> {
  const handle = await open(file, "r").catch(() => null);
  if (handle === null) return null;
  try {
    const { size } = await handle.stat();
    if (size <= above) return null;
    const bytes = Buffer.alloc(Math.min(size, most));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, size - bytes.length);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
