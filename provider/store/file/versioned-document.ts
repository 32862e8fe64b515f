import { createHash } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ServeError } from "../../core/errors";
import { createFile, removeStaleTemporaries } from "../../host/durable-file";
import { namesIn, readSmallFile } from "../../host/small-files";
import { watchFolder } from "../../host/watch-folder";
import type { Versioned } from "../../ports/store";
import { conflict, writing } from "./unwritable";

const NAME = /^(\d{12})\.json(\.corrupt)?$/;
const KEPT = 8;

/**
 * A document whose versions are files: `000000000012.json`, first a line with the checksum, then the value. A version is
 * made by link(2) to the next number, which fails when somebody else was first: compare-and-set without a lock that a
 * killed process could leave behind.
 *
 * Bytes that do not match their checksum (a disk fault, a copy that broke off) are set aside as `.corrupt` and the newest
 * whole version before them counts; numbers go on above. What is lost then is that one write: for the intent the last
 * declaration or command, which the next `pulumi up` declares again; for the state the last tick, whose VMs are found
 * again by their tag.
 */
export class VersionedDocument<T> {
  constructor(
    private readonly folder: string,
    private readonly warn: (sentence: string) => void,
  ) {}

  /** Null: never written. Throws StoreCorrupt when there are versions and none is whole. */
  async read(): Promise<Versioned<T> | null> {
    for (;;) {
      const names = this.names();
      const version = newestOf(names);
      if (version === 0) return null;
      const value = await this.newestWhole(names);
      if (value !== RACED) return { version, value };
    }
  }

  /** The highest number there is, whole or not; 0: never written. */
  async newest(): Promise<number> {
    return newestOf(this.names());
  }

  /** Calls the listener soon after a version was written. Null: the system does not tell. Returns what ends it. */
  watch(listener: () => void): (() => void) | null {
    let told = newestOf(this.names());
    return watchFolder(this.folder, (name) => {
      if (name !== null && !NAME.test(name)) return;
      const newest = newestOf(this.names());
      if (newest === told) return;
      told = newest;
      listener();
    });
  }

  /** Throws StoreConflict unless `replaces` is the newest version. Returns the new one. */
  async write(replaces: number, value: T): Promise<number> {
    const names = this.names();
    if (newestOf(names) !== replaces) throw conflict(this.folder);
    const version = replaces + 1;
    await writing(this.folder, async () => {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      if (!(await createFile(join(this.folder, nameOf(version)), encode(value)))) throw conflict(this.folder);
    });
    const after = this.names();
    if (newestOf(after) >= version + KEPT) {
      // We slept so long between reading the names and linking that our number had come, gone and been pruned: others
      // have written since, and what we linked replaced nothing.
      await rm(join(this.folder, nameOf(version)), { force: true });
      throw conflict(this.folder);
    }
    await this.prune(after, version);
    return version;
  }

  private async newestWhole(names: readonly string[]): Promise<T | typeof RACED> {
    const whole = names.filter((name) => name.endsWith(".json")).sort();
    for (const name of whole.reverse()) {
      const bytes = readSmallFile(join(this.folder, name));
      // Pruned between listing and reading, so there are newer ones.
      if (bytes === null) return RACED;
      const decoded = decode<T>(bytes);
      if (decoded !== null) return decoded.value;
      await this.setAside(name);
    }
    throw new ServeError({
      code: "StoreCorrupt",
      scope: "store",
      reasons: [
        `No version of the document in ${this.folder} is whole. Put back ${nameOf(newestOf(names))} from a backup, or run ` +
          `\`pulumi-serve purge\` to end everything of this service and then \`pulumi up\` to make it anew.`,
      ],
    });
  }

  private async setAside(name: string): Promise<void> {
    const file = join(this.folder, name);
    this.warn(`${file} is damaged; it is kept as ${name}.corrupt and the version before it is used.`);
    // On a read-only disk the file stays where it is, and is skipped again by the next reader.
    await rename(file, `${file}.corrupt`).catch(() => undefined);
  }

  /** Old versions go; of the corrupt ones the newest stays, for whoever wants to know what happened. */
  private async prune(names: readonly string[], version: number): Promise<void> {
    const newestCorrupt = names.filter((name) => name.endsWith(".corrupt")).at(-1);
    for (const name of names) {
      if (numberOf(name) <= version - KEPT && name !== newestCorrupt)
        await rm(join(this.folder, name), { force: true });
    }
    if (version % KEPT === 0) await removeStaleTemporaries(this.folder).catch(() => undefined);
  }

  private names(): string[] {
    return namesIn(this.folder)
      .filter((name) => NAME.test(name))
      .sort();
  }
}

const RACED = Symbol("raced");

function nameOf(version: number): string {
  return `${String(version).padStart(12, "0")}.json`;
}

function numberOf(name: string): number {
  return Number(NAME.exec(name)?.[1] ?? 0);
}

function newestOf(sorted: readonly string[]): number {
  return numberOf(sorted.at(-1) ?? "");
}

function encode(value: unknown): string {
  const body = `${JSON.stringify(value)}\n`;
  return `${JSON.stringify({ sha256: createHash("sha256").update(body).digest("hex") })}\n${body}`;
}

function decode<T>(bytes: Buffer): { value: T } | null {
  const end = bytes.indexOf("\n") + 1;
  try {
    const header = JSON.parse(bytes.toString("utf8", 0, end)) as { sha256?: string };
    const body = bytes.subarray(end);
    if (header.sha256 !== createHash("sha256").update(body).digest("hex")) return null;
    return { value: JSON.parse(body.toString("utf8")) as T };
  } catch {
    return null;
  }
}
