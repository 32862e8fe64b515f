import { toBeat } from "../../core/beat";
import type { ReadinessSpec } from "../../core/spec/pool";
import { checkOnce, connectOnce } from "../../host/http-check";

/** Failures in a row of real requests that take a replica out; a refused connection does so at once. */
const PASSIVE_FALL = 3;
/** A replica that is out is looked at this often at least, in milliseconds: it should be back within a second. */
const RECHECK_MS = 500;

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
  private isChecking = false;
  private endCheck: (() => void) | null = null;
  private stopped = false;

  constructor(
    private readonly address: { host: string; port: number },
    private readiness: ReadinessSpec,
    private readonly onChange: (healthy: boolean, why: string) => void,
    private readonly onCheckPassed: () => void,
  ) {
    Health.crowd += 1;
    this.schedule();
  }

  setReadiness(readiness: ReadinessSpec): void {
    this.readiness = readiness;
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
    this.isChecking = true;
    this.endCheck = startCheck(this.address, this.readiness, (failure) => {
      this.isChecking = false;
      if (this.stopped) return;
      if (failure === null) this.checkPassed();
      else this.checkFailed(failure);
      this.schedule();
    });
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
}

/**
 * The readiness path is only asked when it can be asked as declared: its secret headers and body are not known here, so
 * that a check with them, or by POST, is a mere connect.
 */
function startCheck(
  address: { host: string; port: number },
  { requestSecret, method, path, timeoutSeconds }: ReadinessSpec,
  done: (failure: string | null) => void,
): () => void {
  const isAsked = requestSecret === null && method === "GET";
  return isAsked
    ? checkOnce({ address, method, path, timeoutSeconds }, done)
    : connectOnce(address, timeoutSeconds, done);
}
