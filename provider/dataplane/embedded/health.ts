import { toBeat } from "../../core/beat";
import type { ReadinessSpec } from "../../core/spec/pool";
import { checkOnce, connectOnce, requestOf, type Address } from "../../host/http-check";

/** Failures in a row of real requests that take a replica out; a refused connection does so at once. */
const PASSIVE_FALL = 3;
/** A replica that is out is looked at this often at least, in milliseconds: it should be back within a second. */
const RECHECK_MS = 500;
/** While the agent looks on, which probes it too, one that is well is checked once in so many intervals. */
const RARELY = 5;
/** But at least this often, in milliseconds. */
const RAREST_MS = 10_000;

/**
 * Whether one replica should get requests: real requests tell (passive), and so do checks of our own (active). Whoever is
 * out stays out until a check passes. Says nothing about whether there is a better one: that is the caller's panic rule.
 */
export class Health {
  /** Replicas that are looked at. */
  private static crowd = 0;
  healthy = true;
  private failedRequests = 0;
  private failedChecks = 0;
  private passedChecks = 0;
  /** Who took it out: after real requests one passed check (or answer) brings it back, after checks the whole rise. */
  private outBy: "requests" | "checks" = "requests";
  private timer: NodeJS.Timeout | null = null;
  /** By the clock that only goes forward. */
  private checkedAt = Number.NEGATIVE_INFINITY;
  private isChecking = false;
  private endCheck: (() => void) | null = null;
  private stopped = false;
  /** What a check sends; null: the next one makes it. */
  private request: Buffer | null = null;

  constructor(
    private readonly address: Address,
    private readiness: ReadinessSpec,
    private readonly onChange: (healthy: boolean, why: string) => void,
    private readonly onCheckPassed: () => void,
    /** Whether the agent asks after the replicas, so that it lives. */
    private readonly isLookedOn: () => boolean,
  ) {
    Health.crowd += 1;
    this.schedule();
  }

  setReadiness(readiness: ReadinessSpec): void {
    this.readiness = readiness;
    this.request = null;
  }

  requestSucceeded(): void {
    this.failedRequests = 0;
    if (!this.healthy && this.outBy === "requests") this.comeBack("answered a request");
  }

  connectFailed(why: string): void {
    this.goOut(why, "requests");
  }

  requestFailed(why: string): void {
    this.failedRequests += 1;
    if (this.failedRequests >= PASSIVE_FALL)
      this.goOut(`${this.failedRequests} requests failed in a row (${why})`, "requests");
  }

  stop(): void {
    if (!this.stopped) Health.crowd -= 1;
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.endCheck?.();
  }

  private schedule(): void {
    if (this.stopped) return;
    if (this.timer !== null) clearTimeout(this.timer);
    const interval = this.readiness.intervalSeconds * 1000;
    const wait = this.healthy ? interval : Math.min(interval, RECHECK_MS);
    this.timer = setTimeout(() => this.check(), toBeat(Date.now(), wait, Health.crowd));
  }

  private check(): void {
    this.timer = null;
    if (this.mayWait()) return this.schedule();
    this.checkedAt = performance.now();
    this.isChecking = true;
    this.endCheck = this.startCheck((failure) => {
      this.isChecking = false;
      if (this.stopped) return;
      if (failure === null) this.checkPassed();
      else this.checkFailed(failure);
      this.schedule();
    });
  }

  /**
   * Two who probe every replica at the same pace see the same. Should the agent fall silent, checks are due again at the
   * next interval: the timer keeps its pace.
   */
  private mayWait(): boolean {
    if (!this.healthy || this.failedRequests > 0 || this.failedChecks > 0 || !this.isLookedOn()) return false;
    const interval = this.readiness.intervalSeconds * 1000;
    // Half an interval early is no earlier than at the next one.
    return performance.now() - this.checkedAt + interval / 2 < Math.min(RARELY * interval, RAREST_MS);
  }

  private checkPassed(): void {
    this.failedChecks = 0;
    this.passedChecks += 1;
    this.onCheckPassed();
    const riseNeeded = this.outBy === "requests" ? 1 : this.readiness.successThreshold;
    if (!this.healthy && this.passedChecks >= riseNeeded) this.comeBack("passes its checks again");
  }

  private checkFailed(why: string): void {
    this.passedChecks = 0;
    this.failedChecks += 1;
    if (this.failedChecks < this.readiness.failureThreshold) return;
    this.goOut(`${this.failedChecks} checks failed in a row (${why})`, "checks");
  }

  private goOut(why: string, by: "requests" | "checks"): void {
    this.passedChecks = 0;
    if (!this.healthy) return;
    this.healthy = false;
    this.outBy = by;
    if (!this.isChecking) this.schedule();
    this.onChange(false, why);
  }

  private comeBack(why: string): void {
    this.healthy = true;
    this.failedRequests = 0;
    this.failedChecks = 0;
    this.onChange(true, why);
  }

  /**
   * The readiness path is only asked when it can be asked as declared: its secret headers and body are not known here, so
   * that a check with them, or by POST, is a mere connect.
   */
  private startCheck(done: (failure: string | null) => void): () => void {
    const { address } = this;
    const { requestSecret, method, path, timeoutSeconds } = this.readiness;
    if (requestSecret !== null || method !== "GET") return connectOnce(address, timeoutSeconds, done);
    this.request ??= requestOf({ address, method, path });
    return checkOnce(address, this.request, timeoutSeconds, done);
  }
}
