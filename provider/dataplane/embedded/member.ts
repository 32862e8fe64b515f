import type { VersionMetrics } from "../../core/observed";
import type { ReadinessSpec, Revision } from "../../core/spec/pool";
import type { DesiredReplica } from "../../core/routing";
import type { ReplicaMetrics } from "../../ports/dataplane";
import { hashOf } from "../affinity";
import { emptyMetrics } from "../metrics";
import { Health } from "./health";
import { countFailedTries } from "../version-counts";
import { outbox } from "./outbox";
import { UpstreamPool } from "./upstream-pool";

/** One replica as the data plane knows it. Lives from its first routing until it left the routing and its last request ended. */
export class Member {
  inFlight = 0;
  /** What its machine carries, against the others of its version. */
  carries = 1;
  /** What it gets by the policy, against them; the most of them is 1. */
  weight = 1;
  /** How much of its next turn it has saved up: below 1 it lets the turn pass. */
  private turn = 0;
  /** Empty before it was ever in a version. */
  revision: Revision = "";
  /** Of which pool it is. */
  owner = "";
  /** Of its version: shared with its siblings, and there when they are gone. Null before it was ever in one. */
  counts: VersionMetrics | null = null;
  /** False while it drains and after it left: it gets no new requests, and no second tries either. */
  serving = false;
  readonly metrics: ReplicaMetrics = emptyMetrics();
  readonly pool: UpstreamPool;
  readonly health: Health;
  /** Of its id: two members with the same one would be preferred by the same keys. */
  readonly affinity: number;
  /** Tries that broke and were given to others, until it is seen alive: if it is gone, its version is not to blame. */
  private failedTries = 0;
  /** Told when a request of this member ended or it became healthy again: somebody may be waiting for that. */
  onRoom: (() => void) | null = null;

  constructor(
    readonly desired: DesiredReplica,
    readiness: ReadinessSpec,
    isLookedOn: () => boolean,
  ) {
    this.affinity = hashOf(desired.id);
    this.pool = new UpstreamPool(desired.host, desired.port);
    const onChange = (healthy: boolean, why: string): void => {
      process.stderr.write(`replica ${desired.id} ${healthy ? "takes requests again" : "is out"}: ${why}\n`);
      if (healthy) this.onRoom?.();
    };
    this.health = new Health(desired, readiness, onChange, () => this.seenAlive(), isLookedOn);
  }

  /** One that restarted in place as another revision is at the same address, but what was known of it no longer holds. */
  isStill({ host, port }: DesiredReplica, revision: Revision | null): boolean {
    const restarted = revision !== null && this.revision !== "" && this.revision !== revision;
    return this.desired.host === host && this.desired.port === port && !restarted;
  }

  /** Whether it takes the turn that has come to it: of several, its weight's part. */
  takesTurn(): boolean {
    if (this.weight === 1) return true;
    this.turn += this.weight;
    if (this.turn < 1) return false;
    this.turn -= 1;
    return true;
  }

  acquire(): void {
    this.inFlight += 1;
    outbox.underWay += 1;
    this.metrics.attempts += 1;
  }

  /** Exactly once for every `acquire`, however the request ended: a counter that stays up starves the replica forever. */
  release(): void {
    this.inFlight -= 1;
    outbox.underWay -= 1;
    this.onRoom?.();
  }

  /** Another replica makes it good, or nobody: in that case the request counts as failed besides. */
  tryFailed(): void {
    this.failedTries += 1;
  }

  seenAlive(): void {
    if (this.failedTries === 0) return;
    if (this.counts !== null) countFailedTries(this.counts, this.failedTries);
    this.failedTries = 0;
  }

  /** No new requests; running ones go on. */
  retire(): void {
    this.serving = false;
    this.onRoom = null;
    this.health.stop();
    this.pool.retire();
  }
}
