import type { AccessEntry } from "../../access-entry";

/** How long an entry may wait for others that are sent with it, in milliseconds. */
const TOGETHER_MS = 50;
/** Entries that may wait; what is more is lost, and counted: no request waits for its line. */
const WAITING = 20_000;

/** Entries on their way to the process that writes the file, and how many were lost before them. */
export interface SentEntries {
  entries: AccessEntry[];
  lost: number;
}

/** The access log of a worker: only one process may write the file, or each would move that of the others away. */
export class EntrySender {
  private entries: AccessEntry[] = [];
  private lost = 0;
  private timer: NodeJS.Timeout | null = null;
  private sending: Promise<void> | null = null;

  /** @param send resolves when they have left this process */
  constructor(private readonly send: (entries: SentEntries) => Promise<void>) {}

  add(entry: AccessEntry): void {
    if (this.entries.length >= WAITING) this.lost += 1;
    else this.entries.push(entry);
    this.timer ??= setTimeout(() => void this.flush(), TOGETHER_MS).unref();
  }

  /** Everything that was added before has been sent, or is lost, when it returns. */
  async flush(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    while (this.entries.length > 0 || this.sending !== null)
      await (this.sending ??= this.sendAll().finally(() => (this.sending = null)));
  }

  private sendAll(): Promise<void> {
    const { entries, lost } = this;
    this.entries = [];
    this.lost = 0;
    return this.send({ entries, lost });
  }
}
