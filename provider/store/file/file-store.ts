import { readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { randomBytes } from "node:crypto";
import { ServeError } from "../../core/errors";
import type { ServeEvent } from "../../core/events";
import type { Intent } from "../../core/intent";
import type { State } from "../../core/state";
import type { Lease, LeaseHolder, Store, Versioned } from "../../ports/store";
import { Blobs } from "./blobs";
import { EventLog } from "./event-log";
import { assertOurs, putLabel, readLabel } from "./label";
import { LeaseFile } from "./lease-file";
import { Secrets } from "./secrets";
import { missing, stale, writing } from "./unwritable";
import { VersionedDocument } from "./versioned-document";

const SCHEMA = 1;
const REMOVING = ".removing-";

/** The store of one service as a folder of files on this computer. */
export class FileStore implements Store {
  private readonly intent: VersionedDocument<Intent>;
  private readonly state: VersionedDocument<State>;
  private readonly lease: LeaseFile;
  private readonly events: EventLog;
  private readonly blobs: Blobs;
  private readonly secrets: Secrets;

  constructor(
    readonly location: string,
    readonly identity: string,
    warn: (sentence: string) => void,
  ) {
    this.intent = new VersionedDocument(join(location, "intent"), warn);
    this.state = new VersionedDocument(join(location, "state"), warn);
    this.lease = new LeaseFile(join(location, "lease"), warn);
    this.events = new EventLog(join(location, "events.jsonl"));
    this.blobs = new Blobs(join(location, "blobs"));
    this.secrets = new Secrets(join(location, "secrets"));
  }

  async exists(): Promise<boolean> {
    return readLabel(this.location) !== null;
  }

  async create(): Promise<void> {
    await putLabel(this.location, this.identity);
  }

  /** Renamed first, so that no reader ever sees half a store, and a destroy that was killed is finished by the next. */
  async destroy(): Promise<void> {
    if (readLabel(this.location) !== null) {
      this.assertOurs();
      const away = `${this.location}${REMOVING}${randomBytes(4).toString("hex")}`;
      await writing(this.location, () => rename(this.location, away));
    }
    const leftovers = await readdir(dirname(this.location)).catch(() => [] as string[]);
    for (const name of leftovers) {
      if (!name.startsWith(`${basename(this.location)}${REMOVING}`)) continue;
      await rm(join(dirname(this.location), name), { recursive: true, force: true, maxRetries: 3 });
    }
    // What was left without a label: a create that was killed before it wrote one.
    await rm(this.location, { recursive: true, force: true, maxRetries: 3 });
  }

  async readIntent(): Promise<Versioned<Intent>> {
    this.assertOurs();
    const found = await this.intent.read();
    if (found === null) throw missing(this.location);
    return this.understood("intent", found);
  }

  async intentVersion(): Promise<number> {
    this.assertOurs();
    return this.intent.newest();
  }

  watchIntent(listener: () => void): (() => void) | null {
    return this.intent.watch(listener);
  }

  async writeIntent(replaces: number, intent: Intent): Promise<void> {
    this.assertOurs();
    await this.intent.write(replaces, intent);
  }

  async readState(): Promise<Versioned<State> | null> {
    this.assertOurs();
    const found = await this.state.read();
    return found === null ? null : this.understood("state", found);
  }

  async writeState(replaces: number, state: State): Promise<void> {
    this.assertOurs();
    await this.lease.assertNewest(state.epoch);
    await this.assertNotSuperseded(state.epoch);
    await this.state.write(replaces, state);
  }

  async acquireLease(holder: LeaseHolder): Promise<Lease> {
    this.assertOurs();
    return this.lease.acquire(holder);
  }

  async renewLease(epoch: number): Promise<void> {
    this.assertOurs();
    await this.lease.renew(epoch);
  }

  /** A service that is gone has no lease to release. */
  async releaseLease(epoch: number): Promise<void> {
    if (await this.exists()) await this.lease.release(epoch);
  }

  async readLease(): Promise<Lease | null> {
    this.assertOurs();
    return this.lease.read();
  }

  async appendEvents(events: readonly ServeEvent[]): Promise<void> {
    this.assertOurs();
    await this.events.append(events);
  }

  async readEvents(from: number): Promise<ServeEvent[]> {
    this.assertOurs();
    return this.events.read(from);
  }

  async putBlob(hash: string, content: NodeJS.ReadableStream): Promise<void> {
    this.assertOurs();
    await this.blobs.put(hash, content);
  }

  async hasBlob(hash: string): Promise<boolean> {
    this.assertOurs();
    return this.blobs.has(hash);
  }

  async openBlob(hash: string): Promise<NodeJS.ReadableStream> {
    this.assertOurs();
    return this.blobs.open(hash);
  }

  async putSecret(ref: string, value: unknown): Promise<void> {
    this.assertOurs();
    await this.secrets.put(ref, value);
  }

  async getSecret(ref: string): Promise<unknown> {
    this.assertOurs();
    return this.secrets.get(ref);
  }

  async sweep(keep: { blobs: ReadonlySet<string>; secrets: ReadonlySet<string> }): Promise<void> {
    this.assertOurs();
    await this.blobs.sweep(keep.blobs);
    await this.secrets.sweep(keep.secrets);
  }

  private assertOurs(): void {
    assertOurs(this.location, this.identity);
  }

  /** Besides the lease: the document itself tells who wrote last, even where the lease's files were removed. */
  private async assertNotSuperseded(epoch: number): Promise<void> {
    const newest = (await this.state.read())?.value.epoch ?? 0;
    if (newest > epoch) throw stale(this.location, epoch, newest);
  }

  private understood<T extends { schemaVersion: number }>(what: string, found: Versioned<T>): Versioned<T> {
    if (found.value.schemaVersion === SCHEMA) return found;
    throw new ServeError({
      code: "Unsupported",
      scope: "store",
      reasons: [
        `The ${what} of ${this.identity} has format ${String(found.value.schemaVersion)}, this package knows ${SCHEMA}: ` +
          `use the newer pulumi-serve that wrote it.`,
      ],
    });
  }
}
