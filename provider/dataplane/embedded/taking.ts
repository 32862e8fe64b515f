/** Whether a client goes on taking what it is sent: a reader that stalls would keep its replica busy for ever. */
export class Taking {
  private taken = 0;
  private since = 0;

  /** For how many milliseconds it has taken nothing of what waits for it. `waiting`: of all that was `sent`, what is still here. */
  stalledFor(now: number, { sent, waiting }: { sent: number; waiting: number }): number {
    if (waiting === 0 || sent - waiting !== this.taken) {
      this.taken = sent - waiting;
      this.since = now;
    }
    return now - this.since;
  }
}
