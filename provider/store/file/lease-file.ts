import { statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { ServeError } from "../../core/errors";
import { computerId } from "../../host/computer";
import { isAlive } from "../../host/process-identity";
import type { Lease, LeaseHolder } from "../../ports/store";
import { stale, writing } from "./unwritable";
import { VersionedDocument } from "./versioned-document";

/** A holder that has not renewed for this long is taken for dead, whatever its process does. */
export const LEASE_EXPIRY_MS = 10_000;

const RELEASED = new Date(0);

/**
 * The lease: a versioned document whose version is the epoch, so an epoch is given out once and never again. The sign of
 * life is the modification time of the newest version: it needs no space, so a full disk does not cost the lease. Set
 * to 1970 it says that the lease was released.
 */
export class LeaseFile {
  private readonly document: VersionedDocument<LeaseHolder>;

  constructor(
    private readonly folder: string,
    warn: (sentence: string) => void,
  ) {
    this.document = new VersionedDocument(folder, warn);
  }

  async acquire(holder: LeaseHolder): Promise<Lease> {
    const newest = await this.document.newest();
    const held = await this.read();
    if (held !== null && !held.dead) throw leaseHeld(this.folder, held);
    try {
      const epoch = await this.document.write(newest, holder);
      return { epoch, holder, heartbeatAt: Date.now(), dead: false };
    } catch (error) {
      const winner = error instanceof ServeError && error.code === "StoreConflict" ? await this.read() : null;
      throw winner === null ? error : leaseHeld(this.folder, winner);
    }
  }

  async renew(epoch: number): Promise<void> {
    await this.assertNewest(epoch);
    await this.signOfLife(epoch, new Date());
  }

  /** The next one may take it at once; an epoch that is no longer ours has nothing to release. */
  async release(epoch: number): Promise<void> {
    if ((await this.document.newest()) !== epoch) return;
    await this.signOfLife(epoch, RELEASED);
  }

  async read(): Promise<Lease | null> {
    const found = await this.document.read().catch(nobodyWhenCorrupt);
    if (found === null) return null;
    const { version: epoch, value: holder } = found;
    const heartbeatAt = statSync(this.fileOf(epoch), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (heartbeatAt === RELEASED.getTime()) return null;
    const gone = holder.computer === computerId() && !isAlive(holder);
    return { epoch, holder, heartbeatAt, dead: gone || Date.now() - heartbeatAt > LEASE_EXPIRY_MS };
  }

  /** Throws StaleEpoch when a newer epoch was taken. */
  async assertNewest(epoch: number): Promise<void> {
    const newest = await this.document.newest();
    if (newest > epoch) throw stale(this.folder, epoch, newest);
  }

  private fileOf(epoch: number): string {
    return join(this.folder, `${String(epoch).padStart(12, "0")}.json`);
  }

  private signOfLife(epoch: number, at: Date): Promise<void> {
    return writing(this.folder, async () => utimesSync(this.fileOf(epoch), at, at));
  }
}

/** A damaged lease names nobody; its number still counts, so the next epoch is above it. */
function nobodyWhenCorrupt(error: unknown): null {
  if (error instanceof ServeError && error.code === "StoreCorrupt") return null;
  throw error;
}

function leaseHeld(location: string, { epoch, holder }: Lease): ServeError {
  const where = holder.computer === computerId() ? "on this computer" : "on another computer";
  return new ServeError({
    code: "LeaseHeld",
    scope: "agent",
    retryable: true,
    reasons: [
      `Process ${holder.pid} ${where} (pulumi-serve ${holder.packageVersion}) acts for ${location} with epoch ${epoch}: ` +
        `wait for it, or end it first.`,
    ],
  });
}
