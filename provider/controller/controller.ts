import type { Action } from "../core/action";
import { toBeat } from "../core/beat";
import { ServeError, sentenceOf } from "../core/errors";
import { takeOver } from "../core/draft";
import { Executor, type WorldAction } from "./act";
import { pauseAfter } from "./cadence";
import { Journal } from "./journal";
import { Observer } from "./observe";
import type { Parts } from "./parts";
import { tick, type TickTools } from "./tick";
import { Upkeep } from "./upkeep";
import { Wake } from "./wake";

/** After a tick that failed as a whole (a full disk): it heals by itself or not at all, so there is no hurry. */
const RETRY_MS = 1_000;
/** Where the store does not tell of a new intent: a look at its version costs a fraction of a tick, and whoever wrote it waits. */
const INTENT_EVERY_MS = 250;
/** Where it does: its word may be lost. */
const INTENT_EVERY_TOLD_MS = 2_500;
/** Requests that still run when the last replica is gone can only be answers of the balancer itself. */
const DISSOLVE_GRACE_SECONDS = 2;

export type Ending =
  /** The service is gone, its store too. */
  | { kind: "dissolved" }
  /** Somebody else acts now. */
  | { kind: "fenced" }
  /** Asked to stop: the service goes on, somebody must take over. */
  | { kind: "stopped" }
  /** The store was taken away from under us; what runs is left alone. */
  | { kind: "storeGone" };

/** The one loop: observe, decide, persist, act. Runs until it is told to stop, is fenced, or the service is gone. */
export class Controller {
  private readonly wake = new Wake();
  private readonly journal: Journal;
  private readonly executor: Executor;
  private readonly upkeep: Upkeep;
  private readonly tools: TickTools;
  private readonly unwatch: () => void;
  private readonly unwatchIntent: (() => void) | null;
  private readonly intentEveryMs: number;
  private ending: Ending | null = null;
  private failure: string | null = null;
  private changedAt: number;

  constructor(
    private readonly parts: Parts,
    private readonly epoch: number,
    private readonly packageVersion: string,
  ) {
    this.changedAt = parts.clock.now();
    this.journal = new Journal(parts.store);
    this.upkeep = new Upkeep(parts);
    this.executor = new Executor(
      parts,
      epoch,
      () => this.lookNow(),
      () => this.stop({ kind: "fenced" }),
    );
    this.tools = { parts, epoch, journal: this.journal, executor: this.executor, observer: new Observer(parts) };
    parts.prober.onChange(() => this.lookNow());
    this.unwatch = parts.cloud.watch?.(() => this.lookNow()) ?? (() => undefined);
    this.unwatchIntent = parts.store.watchIntent?.(() => this.lookNow()) ?? null;
    this.intentEveryMs = this.unwatchIntent === null ? INTENT_EVERY_MS : INTENT_EVERY_TOLD_MS;
  }

  /** Something happened: do not wait for the next poll. */
  lookNow(): void {
    this.wake.ring();
  }

  /** The first reason to end counts. */
  stop(ending: Ending): void {
    this.ending ??= ending;
    this.wake.ring();
  }

  async run(): Promise<Ending> {
    let fenced = false;
    for (;;) {
      if (this.ending !== null) break;
      let pause = RETRY_MS;
      try {
        if (!fenced) {
          await this.fence();
          fenced = true;
        }
        pause = await this.once();
        if (this.failure !== null) this.parts.reporter.info("the service is looked after again");
        this.failure = null;
      } catch (error) {
        this.report(error);
        // A disk full of logs keeps every tick from being written down: only the upkeep can make room.
        await this.upkeep.maintain();
      }
      if (this.ending === null) await this.rest(pause);
    }
    this.unwatch();
    this.unwatchIntent?.();
    await this.executor.stop();
    return this.ending;
  }

  /** Writes the new epoch before anything is done with it: from here on a predecessor that still lives can write nothing. */
  private async fence(): Promise<void> {
    await this.journal.open();
    const before = takeOver(this.journal.state, this.epoch);
    const at = this.parts.clock.now();
    const { epoch, packageVersion } = this;
    await this.journal.persist({
      ...before,
      outbox: [{ seq: before.nextEvent, at, epoch, kind: "leaseTaken", packageVersion }],
      nextEvent: before.nextEvent + 1,
    });
  }

  /** Returns how long to sleep. */
  private async once(): Promise<number> {
    const { intent, observed, state, actions, changed } = await tick(this.tools);
    const now = this.parts.clock.now();
    if (changed) this.changedAt = now;
    if (this.ending !== null) return 0;
    if (actions.some(({ kind }) => kind === "dissolve")) {
      await this.dissolve();
      return 0;
    }
    this.executor.start(actions.filter(isWorldAction));
    await this.upkeep.run(intent, state);
    const isTold = this.parts.cloud.tellsOfLosses === true;
    return pauseAfter(intent, state, observed, now - this.changedAt, isTold);
  }

  /** Sleeps until something happened, which a new intent is too. */
  private async rest(milliseconds: number): Promise<void> {
    const every = this.intentEveryMs;
    for (let left = milliseconds; left > 0; left -= every) {
      const how = await this.wake.sleep(toBeat(this.parts.clock.now(), Math.min(left, every)));
      if (how === "rung" || (left > every && (await this.isNewIntent()))) return;
    }
  }

  private async isNewIntent(): Promise<boolean> {
    try {
      return (await this.parts.store.intentVersion()) !== this.journal.state?.intentVersion;
    } catch {
      // What is wrong with the store is for the tick to say.
      return true;
    }
  }

  /** The store goes last: as long as it is there, a successor finds out what is left to do. */
  private async dissolve(): Promise<void> {
    await this.executor.stop();
    const { dataplane, cloud, store } = this.parts;
    await dataplane.shutdown(DISSOLVE_GRACE_SECONDS);
    await cloud.purge();
    await store.destroy();
    this.stop({ kind: "dissolved" });
  }

  private report(error: unknown): void {
    const code = error instanceof ServeError ? error.code : null;
    if (code === "StaleEpoch" || code === "StoreConflict") return this.stop({ kind: "fenced" });
    if (code === "StoreMissing") return this.stop({ kind: "storeGone" });
    const sentence = sentenceOf(error);
    // Once, not at each try: on a full disk the log is the next thing that cannot grow.
    if (sentence !== this.failure) {
      this.parts.reporter.warn(`nothing is changed until this is over (what runs goes on): ${sentence}`);
    }
    this.failure = sentence;
  }
}

function isWorldAction(action: Action): action is WorldAction {
  return action.kind !== "dissolve";
}
