import { sameJson } from "../core/digest";
import type { State } from "../core/state";
import type { Store } from "../ports/store";

/**
 * The write-ahead journal: what was decided is in the store before anything is done about it. Events travel inside the
 * state (its outbox) and are appended to the log after it, so that a crash between the two loses none.
 */
export class Journal {
  private persisted: { version: number; value: State } | null = null;
  /** True while the outbox of the persisted state may not be in the log: the next state would overwrite it. */
  private outboxOwed = false;

  constructor(private readonly store: Store) {}

  get state(): State | null {
    return this.persisted?.value ?? null;
  }

  /** Reads what the predecessor left, and appends the events that it may have died before appending. */
  async open(): Promise<void> {
    this.persisted = await this.store.readState();
    this.outboxOwed = this.persisted !== null;
    await this.settleOutbox();
  }

  /** Resolves when `next` is what the store says, and tells whether that took a write. */
  async persist(next: State): Promise<"written" | "unchanged"> {
    await this.settleOutbox();
    if (this.persisted !== null && sameJson(next, this.persisted.value)) return "unchanged";
    const replaces = this.persisted?.version ?? 0;
    await this.store.writeState(replaces, next);
    // A tick without events leaves the outbox of an earlier one where it is.
    this.outboxOwed = next.nextEvent !== this.persisted?.value.nextEvent;
    this.persisted = { version: replaces + 1, value: next };
    await this.settleOutbox();
    return "written";
  }

  private async settleOutbox(): Promise<void> {
    if (!this.outboxOwed || this.persisted === null) return;
    await this.store.appendEvents(this.persisted.value.outbox);
    this.outboxOwed = false;
  }
}
