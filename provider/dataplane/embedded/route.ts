import type { BalancerSpec, Revision } from "../../core/spec/pool";
import type { RouteMetrics } from "../../ports/dataplane";
import { maxLoadGap } from "../affinity";
import { pickByKey } from "./affinity";
import type { Member } from "./member";
import { pick, pickInPanic, type Candidates, type Tried } from "./pick";
import { WaitQueue, type Waiter } from "./queue";
import { Split, type Role } from "./split";

export interface Version extends Candidates {
  role: Role;
  revision: Revision;
  weight: number;
}

/** The version that a request asked for by header; null: whichever the split gives. */
export type Pin = string | null;

/** What holds a request together with others (see affinity.ts); null: nothing does. */
export type Key = number | null;

/** One route and its two versions. Survives every apply, so that its split, its queue and its counts do too. */
export class Route {
  readonly queue = new WaitQueue();
  /** Made once, as `waiting` of the table is. */
  readonly serveOne = (): void => this.queue.serveOne();
  /** Requests that came, whatever became of them. */
  arrivals = 0;
  pool = "";
  /** How long a request may wait while there is no replica at all; null: as long as any other. */
  wakeSeconds: number | null = null;
  private readonly split = new Split();
  private rejected = 0;
  private readonly firstAttempts = { primary: 0, canary: 0 };
  private primary: Version | null = null;
  private canary: Version | null = null;

  constructor(
    readonly prefix: string,
    public balancer: BalancerSpec,
    /** The first request waits, and there is no replica at all. */
    private readonly onWaiting: () => void,
  ) {}

  setVersions(primary: Version | null, canary: Version | null): void {
    if (primary !== null) primary.turn = this.primary?.turn ?? 0;
    if (canary !== null) canary.turn = this.canary?.turn ?? 0;
    this.primary = primary;
    this.canary = canary;
    this.split.set({ canary: canary?.weight ?? 0, primary: primary?.weight ?? 0 });
  }

  get versions(): { primary: Version | null; canary: Version | null } {
    return { primary: this.primary, canary: this.canary };
  }

  matches(path: string): boolean {
    if (!path.startsWith(this.prefix)) return false;
    if (this.prefix.endsWith("/") || path.length === this.prefix.length) return true;
    const next = path.charCodeAt(this.prefix.length);
    return next === 47 || next === 63;
  }

  /** Nobody is there, and a request brings somebody. */
  get sleeps(): boolean {
    return this.wakeSeconds !== null && !this.primary?.members.length && !this.canary?.members.length;
  }

  /** Whether the asked version has any replica, busy and unhealthy ones included, or is to have one when it wakes. */
  serves(pin: string): boolean {
    const version = this.versionOf(pin);
    return version !== null && (version.members.length > 0 || this.sleeps);
  }

  /** The request waits for room, or for a replica that is to come. */
  enqueue(waiter: Waiter): void {
    this.queue.add(waiter);
    if (this.queue.size === 1 && this.sleeps) this.onWaiting();
  }

  /** The replica of a request's first attempt. Only requests without a version header move the split on. */
  first(pin: Pin, key: Key): Member | null {
    if (pin !== null) return this.chooseIn(this.versionOf(pin), null, key, null);
    const preferred = this.split.peek();
    const member = this.choose(preferred, key, null);
    if (member === null) return null;
    this.split.tick();
    if (this.canary !== null && this.canary.members.includes(member)) this.firstAttempts.canary += 1;
    else this.firstAttempts.primary += 1;
    return member;
  }

  /** Another replica after a failure: of the same version if there is one, else, without a pin, of the other. */
  next(pin: Pin, key: Key, tried: Tried, before: Member): Member | null {
    if (pin !== null) return this.chooseIn(this.versionOf(pin), null, key, tried);
    return this.choose(this.canary?.members.includes(before) ? "canary" : "primary", key, tried);
  }

  reject(): void {
    this.rejected += 1;
  }

  report(): RouteMetrics {
    return { queued: this.queue.size, rejected: this.rejected, firstAttempts: { ...this.firstAttempts } };
  }

  private choose(preferred: Role | null, key: Key, tried: Tried): Member | null {
    const [one, other] = preferred === "canary" ? [this.canary, this.primary] : [this.primary, this.canary];
    return this.chooseIn(weighted(one), weighted(other), key, tried);
  }

  private chooseIn(one: Version | null, other: Version | null, key: Key, tried: Tried): Member | null {
    const { policy, maxInFlightPerReplica: limit } = this.balancer;
    const member =
      (one === null ? null : this.best(one, key, tried)) ?? (other === null ? null : this.best(other, key, tried));
    if (member !== null || hasHealthy(one) || hasHealthy(other)) return member;
    return (
      (one === null ? null : pickInPanic(policy, one, limit, tried)) ??
      (other === null ? null : pickInPanic(policy, other, limit, tried))
    );
  }

  private best(version: Version, key: Key, tried: Tried): Member | null {
    const { policy, maxInFlightPerReplica: limit, affinity } = this.balancer;
    if (key === null || affinity === undefined) return pick(policy, version, limit, tried);
    return pickByKey(key, version, { limit, gap: maxLoadGap(affinity), tried }) ?? pick(policy, version, limit, tried);
  }

  private versionOf(pin: string): Version | null {
    if (pin === "primary") return this.primary;
    if (pin === "canary") return this.canary;
    if (this.primary?.revision === pin) return this.primary;
    return this.canary?.revision === pin ? this.canary : null;
  }
}

/** Weight 0 is by header only, even when nothing else is left: nobody asked to send it live traffic. */
function weighted(version: Version | null): Version | null {
  return version !== null && version.weight > 0 ? version : null;
}

function hasHealthy(version: Version | null): boolean {
  return version !== null && version.members.some((member) => member.health.healthy);
}
