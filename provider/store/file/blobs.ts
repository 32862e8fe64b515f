import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { sentenceOf, ServeError } from "../../core/errors";
import { removeStaleTemporaries, temporaryName } from "../../host/durable-file";
import { hashTar } from "../../host/workdir";
import { writing } from "./unwritable";

const NAME = /^([0-9a-f]{8,64})\.tar$/;

/**
 * A handler stores a blob before it writes the intent that refers to it. In between nothing refers to it, so a sweep
 * leaves alone what was put, or asked for, within this time.
 */
export const SWEEP_GRACE_MS = 10 * 60_000;

/** Workdirs as tars, named by the hash of what is in them. */
export class Blobs {
  constructor(private readonly folder: string) {}

  async put(hash: string, content: NodeJS.ReadableStream): Promise<void> {
    if (await this.has(hash)) {
      (content as NodeJS.ReadableStream & { destroy?: () => void }).destroy?.();
      return;
    }
    const file = this.fileOf(hash);
    await writing(this.folder, async () => {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      const temporary = temporaryName(file);
      try {
        await copy(content, temporary);
        await synced(temporary);
        const found = await hashTar(createReadStream(temporary));
        if (found !== hash) throw changed(hash, found);
        await rename(temporary, file);
        await synced(this.folder);
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  /** Counts as use: whoever asked may be about to refer to it. */
  async has(hash: string): Promise<boolean> {
    const file = this.fileOf(hash);
    const now = new Date();
    return utimes(file, now, now).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== "ENOENT" && stat(file).then(() => true),
    );
  }

  async open(hash: string): Promise<NodeJS.ReadableStream> {
    const file = this.fileOf(hash);
    const handle = await open(file, "r").catch((cause: unknown) => {
      throw new ServeError({
        code: "StoreCorrupt",
        scope: "store",
        reasons: [`The stored workdir ${file} is missing: run \`pulumi up\`, which stores it again.`],
        cause,
      });
    });
    return handle.createReadStream();
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    await sweepFolder(this.folder, NAME, keep);
  }

  private fileOf(hash: string): string {
    if (!NAME.test(`${hash}.tar`)) throw new TypeError(`not a content hash: ${hash}`);
    return join(this.folder, `${hash}.tar`);
  }
}

/** Removes the files whose key (first group of the pattern) is not kept and that nobody has used for a while. */
export async function sweepFolder(folder: string, pattern: RegExp, keep: ReadonlySet<string>): Promise<void> {
  const names = await readdir(folder).catch(() => [] as string[]);
  for (const name of names) {
    const key = pattern.exec(name)?.[1];
    if (key === undefined || keep.has(key)) continue;
    const found = await stat(join(folder, name)).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > SWEEP_GRACE_MS) await rm(join(folder, name), { force: true });
  }
  if (names.length > 0) await removeStaleTemporaries(folder, names);
}

/** Tells a source that cannot be read from a disk that cannot be written: they have the same error codes. */
async function copy(content: NodeJS.ReadableStream, file: string): Promise<void> {
  let unreadable: Error | null = null;
  content.once("error", (error: Error) => (unreadable = error));
  try {
    await pipeline(content, createWriteStream(file, { flags: "wx", mode: 0o600 }));
  } catch (error) {
    if (unreadable === null || error instanceof ServeError) throw error;
    throw new ServeError({
      code: "InvalidInput",
      scope: "input",
      retryable: true,
      reasons: [
        `template.workdir: a file could not be read while it was being stored (${sentenceOf(error)}): make it readable, ` +
          `or list it in .gitignore, and run \`pulumi up\` again.`,
      ],
      cause: error,
    });
  }
}

async function synced(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function changed(expected: string, found: string): ServeError {
  return new ServeError({
    code: "InvalidInput",
    scope: "input",
    retryable: true,
    reasons: [
      `template.workdir: files changed while they were being stored (content ${expected.slice(0, 12)} became ` +
        `${found.slice(0, 12)}): run \`pulumi up\` again once nothing writes to the folder.`,
    ],
  });
}
