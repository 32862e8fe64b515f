import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { DesiredRoute } from "../../../provider/core/routing";
import type { KeyPair } from "../../../provider/core/spec/tls-input";
import type { ProcessUnderTest } from "../../dataplane/support/engine-process";
import { balancer, route, routing, tlsOf, version } from "../../dataplane/support/routing";
import { until } from "../../dataplane/support/until";
import type { Fleet } from "./fleet";
import { haproxyProcesses, haproxyServers } from "./sample";

/** Of the clients, all day. */
export const TOKEN = "the-token-of-all-day-0123";

/** What one hour of a lively service brings; the day has 24 of them. */
export const HOURLY = {
  membershipChanges: 20,
  rollouts: 0.5,
  splitChanges: 5,
  serversLost: 1,
  tokenChanges: 1,
  certificateChanges: 1,
} as const;
/** A limit of the balancer changes, and a second pool comes or goes: for HAProxy each is a new process. */
const HOURS_TO_A_LIMIT = 6;
const HOURS_TO_A_POOL = 3;
/** Between two changes, so that requests meet each of them. */
const PAUSE_MS = 20;

/** One service through its day. */
export class Day {
  private hour = 0;

  constructor(
    private readonly engine: ProcessUnderTest,
    private readonly fleet: Fleet,
    private readonly keyPairs: readonly KeyPair[],
  ) {}

  async begin(): Promise<number> {
    await this.put();
    return (await this.engine.plane.observe()).endpoint!.port;
  }

  async nextHour(): Promise<void> {
    this.hour += 1;
    const { fleet } = this;
    for (let change = 0; change < HOURLY.membershipChanges; change += 2) {
      fleet.grow();
      await this.step();
      fleet.shrink();
      await this.step();
    }
    for (let lost = 0; lost < HOURLY.serversLost; lost += 1) await fleet.kill(() => this.put());
    if (this.hour % (1 / HOURLY.rollouts) !== 0) return;
    fleet.startRollout();
    await this.step();
    for (let split = 0; split < HOURLY.splitChanges / HOURLY.rollouts; split += 1) {
      fleet.shift();
      await this.step();
    }
  }

  /** Nothing is under way, nobody drains, and what has left the routing has ended. */
  async rest(): Promise<void> {
    await until("everything that drains has left", async () => {
      await this.step();
      return this.fleet.drains.length === 0;
    });
    await until("every counter is back at 0, and nobody else is spoken of", async () => {
      const { replicas, routes, pools, metrics } = await this.engine.plane.observe();
      const routed = new Set(this.routes().flatMap(({ primary }) => primary!.replicas.map(({ id }) => id)));
      return (
        Object.entries(replicas).every(([id, { inFlight, queued }]) => routed.has(id) && inFlight + queued === 0) &&
        Object.keys(metrics).every((id) => routed.has(id)) &&
        Object.keys(routes).length === this.routes().length &&
        Object.values(pools ?? {}).every(({ inFlight, queued }) => inFlight + queued === 0)
      );
    });
    await until("processes that were replaced have ended", () => haproxyProcesses(this.engine.folder) <= 1);
    await until("servers that have drained are gone", async () => {
      const servers = await haproxyServers(this.engine.folder);
      return servers === null || servers === this.routed;
    });
  }

  get routed(): number {
    return this.routes().reduce((sum, { primary }) => sum + primary!.replicas.length, 0);
  }

  private async step(): Promise<void> {
    const { replicas } = await this.engine.plane.observe();
    this.fleet.forget((id) => (replicas[id]?.inFlight ?? 0) === 0);
    await this.put();
    await sleep(PAUSE_MS);
  }

  private async put(): Promise<void> {
    const keyPair = this.keyPairs[Math.floor(this.hour / HOURLY.certificateChanges) % this.keyPairs.length]!;
    await this.engine.plane.apply(
      routing(this.routes(), {
        balancer: balancer({
          tls: tlsOf(keyPair),
          tokens: [TOKEN, `the-token-of-hour-${this.hour}-only`].map(hashed),
          affinity: { header: "x-session" },
          maxQueue: 1000 + Math.floor(this.hour / HOURS_TO_A_LIMIT),
        }),
      }),
      keyPair,
    );
  }

  private routes(): DesiredRoute[] {
    const own = this.fleet.route();
    if (Math.floor(this.hour / HOURS_TO_A_POOL) % 2 === 0) return [own];
    const pool = `side-${this.hour - (this.hour % HOURS_TO_A_POOL)}`;
    const [replica] = this.fleet.ready;
    const side = version(1, [{ ...replica!, id: pool }]);
    return [own, route({ prefix: "/side", pool, primary: side })];
  }
}

function hashed(token: string): string {
  return `sha256:${createHash("sha256").update(token).digest("hex")}`;
}
