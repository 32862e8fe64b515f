import type { ClientLimits } from "../client-limits";

/** The time that a client has for the body of one request. It begins when somebody first reads it: until then it cannot send it. */
export class BodyClock {
  private wantedAt: number | null = null;
  private lastSign = 0;

  wanted(now: number): void {
    this.wantedAt ??= now;
    this.lastSign = now;
  }

  came(now: number): void {
    this.lastSign = now;
  }

  /** Why the client has used its time up, in a sentence; null: it has not. To be asked only while it is waited for. */
  late(now: number, { bodySeconds, stalledSeconds }: ClientLimits): string | null {
    if (this.wantedAt !== null && now - this.wantedAt > bodySeconds * 1000)
      return `The request's body did not come within ${bodySeconds} s (balancer.limits.bodySeconds).`;
    if (now - this.lastSign > stalledSeconds * 1000)
      return `Nothing of the request's body came for ${stalledSeconds} s (balancer.limits.stalledSeconds).`;
    return null;
  }
}
