import { open, rename } from "node:fs/promises";
import { sentenceOf } from "../core/errors";
import { accessLogFile } from "../host/paths";
import type { AccessEntry } from "./access-entry";
import { logError } from "./log-error";

/** Two files of this size at most: the one that is written, and the one before it. */
const FILE_BYTES = 64 * 1024 * 1024;
/** How long a line may wait for others that are written with it, in milliseconds. */
const TOGETHER_MS = 200;
/** Characters that may wait for the disk. */
const WAITING_CHARACTERS = 8 * 1024 * 1024;

/**
 * The access log of a service: a line of JSON for each request, in a file that only this user may read. It is written behind
 * the requests, and none waits for it: when the disk does not follow, lines are lost, and that is told.
 */
export class AccessLog {
  private readonly file: string;
  private waiting = "";
  private lines = 0;
  private lost = 0;
  private timer: NodeJS.Timeout | null = null;
  private writing: Promise<void> | null = null;

  constructor(
    serviceFolder: string,
    private readonly limits = { fileBytes: FILE_BYTES, waitingCharacters: WAITING_CHARACTERS },
  ) {
    this.file = accessLogFile(serviceFolder);
  }

  add(entry: AccessEntry): void {
    if (this.waiting.length >= this.limits.waitingCharacters) this.lose(1, "the disk is too slow");
    else {
      this.waiting += `${JSON.stringify(entry)}\n`;
      this.lines += 1;
    }
    this.timer ??= setTimeout(() => void this.flush(), TOGETHER_MS).unref();
  }

  /** Everything that was added before is on its way to the disk, or lost, when it returns. */
  async flush(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    while (this.waiting !== "" || this.writing !== null)
      await (this.writing ??= this.write().finally(() => (this.writing = null)));
  }

  private async write(): Promise<void> {
    const { waiting, lines, lost } = this;
    this.waiting = "";
    this.lines = 0;
    try {
      const told = lost === 0 ? "" : `${JSON.stringify({ time: new Date().toISOString(), lost })}\n`;
      await this.append(Buffer.from(told + waiting));
      this.lost -= lost;
    } catch (error) {
      this.lose(lines, sentenceOf(error));
    }
  }

  private async append(text: Buffer): Promise<void> {
    // Opened anew for each batch: a file that somebody took away in between comes again.
    let file = await open(this.file, "a", 0o600);
    try {
      let { size } = await file.stat();
      if (size > 0 && size + text.length > this.limits.fileBytes) {
        await rename(this.file, `${this.file}.1`);
        await file.close();
        file = await open(this.file, "a", 0o600);
        size = 0;
      }
      // Half a line would spoil the next one.
      await file.writeFile(text).catch(async (error: unknown) => {
        await file.truncate(size).catch(() => undefined);
        throw error;
      });
    } finally {
      await file.close();
    }
  }

  /** Told once, until lines are written again: they say themselves how many are missing. */
  lose(lines: number, why: string): void {
    if (this.lost === 0) logError(`Lines of the access log are lost, and counted: ${why}.`);
    this.lost += lines;
  }
}
