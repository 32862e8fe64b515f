import { ServeError } from "../../../provider/core/errors";
import type { ServeEvent } from "../../../provider/core/events";
import type { Intent } from "../../../provider/core/intent";
import type { State } from "../../../provider/core/state";
import type { LeaseHolder, Lease, Store, Versioned } from "../../../provider/ports/store";

/**
 * Of the state, of the event log and of the intent. Half a document is none: whoever reads it finds the one before. An
 * intent that was damaged after its writer had gone has a number all the same.
 */
export type StoreTrouble =
  | "refused"
  | "replyLost"
  | "conflict"
  | "appendRefused"
  | "appendTorn"
  | "intentRefused"
  | "intentReplyLost"
  | "intentConflict"
  | "intentTorn";

/** A store in memory that refuses what the real ones refuse, and fails when it is told to. */
export class SimulatedStore {
  intent: Versioned<Intent> | null = null;
  state: Versioned<State> | null = null;
  readonly events: ServeEvent[] = [];
  epoch = 0;
  destroyed = false;
  trouble: { how: StoreTrouble; times: number } | null = null;

  constructor(private readonly onState: (state: State) => void) {}

  takeEpoch(): number {
    return (this.epoch += 1);
  }

  /** Only what controllers and handlers use of a store; nothing here has blobs or secrets. */
  port(): Store {
    const unused = () => Promise.reject(new Error("the simulated store has nothing of this kind"));
    return {
      location: "memory",
      identity: "project/stack/service",
      exists: async () => !this.destroyed && this.intent !== null,
      create: async () => undefined,
      destroy: async () => void (this.destroyed = true),
      readIntent: async () => this.readIntent(),
      intentVersion: async () => this.readIntent().version,
      writeIntent: async (replaces, value) => this.writeIntent(replaces, value),
      // A copy, as from a file: what a process does to its own must not reach another's.
      readState: async () => structuredClone(this.here(this.state)),
      writeState: async (replaces, value) => this.writeState(replaces, value),
      acquireLease: async (holder: LeaseHolder) => this.leaseOf(holder),
      renewLease: async (epoch) => this.fence(epoch),
      releaseLease: async () => undefined,
      readLease: async () => null,
      appendEvents: async (events) => this.append(events),
      readEvents: async (from) => this.events.filter(({ seq }) => seq >= from),
      putBlob: unused,
      hasBlob: async () => true,
      openBlob: unused,
      putSecret: unused,
      getSecret: async () => ({}),
      sweep: async () => undefined,
    };
  }

  private readIntent(): Versioned<Intent> {
    const found = this.here(this.intent);
    if (found === null) throw missing();
    return found;
  }

  private writeIntent(replaces: number, value: Intent): void {
    const found = this.here(this.intent);
    if (this.hits("intentRefused")) throw unwritable();
    // Somebody else has written the same again.
    if (found !== null && this.hits("intentConflict")) this.intent = { ...found, version: found.version + 1 };
    if ((this.intent?.version ?? 0) !== replaces) throw conflict();
    const isTorn = found !== null && this.hits("intentTorn");
    this.intent = {
      version: replaces + 1,
      value: isTorn ? found.value : (JSON.parse(JSON.stringify(value)) as Intent),
    };
    if (this.hits("intentReplyLost")) throw unwritable();
  }

  private writeState(replaces: number, value: State): void {
    this.here(null);
    this.fence(value.epoch);
    if ((this.state?.value.epoch ?? 0) > value.epoch) throw stale(value.epoch);
    if (this.hits("refused")) throw unwritable();
    if ((this.state?.version ?? 0) !== replaces || this.hits("conflict")) throw conflict();
    this.state = { version: replaces + 1, value };
    this.onState(value);
    if (this.hits("replyLost")) throw unwritable();
  }

  private append(events: readonly ServeEvent[]): void {
    this.here(null);
    if (this.hits("appendRefused")) throw unwritable();
    const last = this.events.at(-1)?.seq ?? 0;
    const fresh = events.filter(({ seq }) => seq > last);
    if (fresh.length > 1 && this.hits("appendTorn")) {
      this.events.push(...fresh.slice(0, fresh.length >> 1));
      throw unwritable();
    }
    this.events.push(...fresh);
  }

  private hits(how: StoreTrouble): boolean {
    if (this.trouble?.how !== how || this.trouble.times <= 0) return false;
    this.trouble.times -= 1;
    return true;
  }

  private here<T>(value: T): T {
    if (this.destroyed) throw missing();
    return value;
  }

  private fence(epoch: number): void {
    if (epoch < this.epoch) throw stale(epoch);
  }

  private leaseOf(holder: LeaseHolder): Lease {
    return { epoch: this.takeEpoch(), holder, heartbeatAt: 0, dead: false };
  }
}

function missing(): ServeError {
  return new ServeError({ code: "StoreMissing", scope: "store", reasons: ["There is no store."] });
}

function conflict(): ServeError {
  return new ServeError({ code: "StoreConflict", scope: "store", retryable: true, reasons: ["Written meanwhile."] });
}

function unwritable(): ServeError {
  return new ServeError({ code: "StoreUnwritable", scope: "store", retryable: true, reasons: ["No space left."] });
}

function stale(epoch: number): ServeError {
  return new ServeError({ code: "StaleEpoch", scope: "store", reasons: [`Epoch ${epoch} is no longer the newest.`] });
}
