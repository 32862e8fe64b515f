import type { ServeEvent } from "../core/events";
import type { Intent } from "../core/intent";
import type { State } from "../core/state";

export interface Versioned<T> {
  /** 0: never written. The next write says which version it replaces. */
  version: number;
  value: T;
}

/**
 * All that `pulumi up` and the agent share about one service. A write names the version that it replaces and throws
 * StoreConflict when that is no longer the newest; reading falls back to the newest whole version when the newest bytes
 * are half written.
 */
export interface Store {
  /** For messages: where a person finds it. */
  readonly location: string;
  readonly identity: string;

  exists(): Promise<boolean>;
  /** Makes the place of the service; keeps what is there. */
  create(): Promise<void>;
  /** Removes everything of the service. A missing store is success. */
  destroy(): Promise<void>;

  /** Throws StoreMissing, StoreElsewhere (written by another computer), StoreCorrupt (no version is whole). */
  readIntent(): Promise<Versioned<Intent>>;
  /** The version that `readIntent` would give, for a fraction of its cost; it throws what that throws of a missing store. */
  intentVersion(): Promise<number>;
  /**
   * Calls the listener soon after a newer version was written, so that nobody waits for the next look. Null, or absent:
   * there is no such word, and the looks alone must do. Returns what ends it.
   */
  watchIntent?(listener: () => void): (() => void) | null;
  writeIntent(replaces: number, intent: Intent): Promise<void>;
  /** Null before the first write. */
  readState(): Promise<Versioned<State> | null>;
  /** Throws StaleEpoch when a newer epoch has written or taken the lease. */
  writeState(replaces: number, state: State): Promise<void>;

  /** Takes the lease with the next epoch, or throws LeaseHeld while its holder is alive. */
  acquireLease(holder: LeaseHolder): Promise<Lease>;
  /** Sign of life; throws StaleEpoch when somebody else took it. */
  renewLease(epoch: number): Promise<void>;
  releaseLease(epoch: number): Promise<void>;
  /** Null: nobody ever held it, or it was released. */
  readLease(): Promise<Lease | null>;

  /** Appends those whose `seq` is not in the log yet; a torn last line is dropped first. */
  appendEvents(events: readonly ServeEvent[]): Promise<void>;
  /** Events with `seq` >= from, in order. */
  readEvents(from: number): Promise<ServeEvent[]>;

  /** Keeps the content under its hash; writing what is there is free. Verified by reading it back before it resolves. */
  putBlob(hash: string, content: NodeJS.ReadableStream): Promise<void>;
  hasBlob(hash: string): Promise<boolean>;
  openBlob(hash: string): Promise<NodeJS.ReadableStream>;
  /** Readable by this user only; never in intent, state, events or logs. */
  putSecret(ref: string, value: unknown): Promise<void>;
  getSecret(ref: string): Promise<unknown>;
  /** Removes blobs and secrets that none of these refer to. */
  sweep(keep: { blobs: ReadonlySet<string>; secrets: ReadonlySet<string> }): Promise<void>;
}

export interface LeaseHolder {
  pid: number;
  /** Distinguishes a process from a later one with the same pid. */
  startTime: string;
  computer: string;
  packageVersion: string;
}

export interface Lease {
  epoch: number;
  holder: LeaseHolder;
  heartbeatAt: number;
  /** The holder's process is gone, or has not renewed for too long. */
  dead: boolean;
}
