import { toBeat } from "../core/beat";
import { ServeError, sentenceOf } from "../core/errors";
import type { Reporter } from "../ports/reporter";
import type { LeaseHolder, Store } from "../ports/store";

/** A fifth of the time after which a store takes a holder for dead. */
const RENEW_MS = 2_000;

/** The right to act for a service, kept alive by a heartbeat beside the loop, so that a slow tick does not lose it. */
export class HeldLease {
  private timer: NodeJS.Timeout;
  private renewing = false;

  private constructor(
    private readonly store: Store,
    readonly epoch: number,
    private readonly reporter: Reporter,
    private readonly onLost: () => void,
  ) {
    this.timer = this.schedule();
  }

  /** Throws LeaseHeld while another holder is alive. `onLost` is called once somebody else took it: stop at once. */
  static async acquire(store: Store, holder: LeaseHolder, reporter: Reporter, onLost: () => void): Promise<HeldLease> {
    const { epoch } = await store.acquireLease(holder);
    return new HeldLease(store, epoch, reporter, onLost);
  }

  /** No heartbeat any more; the lease stays ours until it is released or found dead. */
  stop(): void {
    clearTimeout(this.timer);
  }

  async release(): Promise<void> {
    this.stop();
    await this.store.releaseLease(this.epoch);
  }

  private schedule(): NodeJS.Timeout {
    return setTimeout(
      () => {
        // First: a renewal that finds the lease lost ends the timer.
        this.timer = this.schedule();
        void this.renew();
      },
      toBeat(Date.now(), RENEW_MS),
    );
  }

  /** A heartbeat that could not be written (a full disk) takes nobody's right away: only a newer epoch does. */
  private async renew(): Promise<void> {
    if (this.renewing) return;
    this.renewing = true;
    try {
      await this.store.renewLease(this.epoch);
    } catch (error) {
      if (error instanceof ServeError && (error.code === "StaleEpoch" || error.code === "StoreMissing")) {
        this.stop();
        this.reporter.warn(`the lease of epoch ${this.epoch} is lost: ${sentenceOf(error)}`);
        this.onLost();
      }
    } finally {
      this.renewing = false;
    }
  }
}
