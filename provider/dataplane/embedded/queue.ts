export interface Waiter {
  /** Tries to start the request now; false: it still has to wait. */
  tryStart(): boolean;
}

/** How often waiting requests look again by themselves, in milliseconds: whatever freed a replica without telling us. */
const LOOK_AGAIN_MS = 100;

/** Requests of one route that no replica can take at the moment, first come first served. */
export class WaitQueue {
  private readonly waiters = new Set<Waiter>();
  private timer: NodeJS.Timeout | null = null;

  get size(): number {
    return this.waiters.size;
  }

  add(waiter: Waiter): void {
    this.waiters.add(waiter);
    this.timer ??= setInterval(() => this.serve(), LOOK_AGAIN_MS);
  }

  remove(waiter: Waiter): void {
    this.waiters.delete(waiter);
    this.stopWhenEmpty();
  }

  /** Called whenever a replica got room, came back or came new. Those who wait for another version are stepped over. */
  serve(): void {
    for (const waiter of [...this.waiters]) {
      if (waiter.tryStart()) this.waiters.delete(waiter);
    }
    this.stopWhenEmpty();
  }

  /** One replica has room for one more: the first who can use it goes. */
  serveOne(): void {
    if (this.waiters.size === 0) return;
    for (const waiter of this.waiters) {
      if (!waiter.tryStart()) continue;
      this.waiters.delete(waiter);
      this.stopWhenEmpty();
      return;
    }
  }

  private stopWhenEmpty(): void {
    if (this.waiters.size > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }
}
