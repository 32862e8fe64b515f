import { sameEndpoint, type DesiredRouting } from "../../core/routing";
import type { KeyPair } from "../../core/spec/tls-input";
import type { DataPlaneReport } from "../../ports/dataplane";
import { Turns } from "../../host/turns";
import type { EngineInTurn } from "../engine";
import type { AccessLog } from "../access-log";
import { Fence } from "../fence";
import { keyPairFor } from "../key-pair";
import type { TcpHandle } from "../listener";
import type { VersionCounts } from "../version-counts";
import { LoggedRequest } from "./logged-request";
import { RoutingTable } from "./routing-table";
import { FrontServer, type Watch } from "./server";

/** The load balancer itself, in this process: listener, routing and fence. */
export class EmbeddedEngine implements EngineInTurn {
  private readonly table: RoutingTable;
  private readonly startedAt = Date.now();
  private front: FrontServer | null = null;
  private inForce: DesiredRouting | null = null;
  private readonly fenced = new Fence();
  /** Two listeners must not fight for one port. */
  private readonly turns = new Turns();
  /** They take no new connections. */
  private leaving: FrontServer[] = [];
  private listener: TcpHandle | null = null;
  private retired = false;
  private readonly logged: Watch = (request) => new LoggedRequest(request, (entry) => this.log.add(entry));

  constructor(
    versions: VersionCounts,
    private readonly log: Pick<AccessLog, "add">,
  ) {
    this.table = new RoutingTable(versions);
  }

  fence(epoch: number): void {
    this.fenced.raise(epoch);
  }

  onWaiting(listener: () => void): void {
    this.table.onWaiting = listener;
  }

  lookedOn(): void {
    this.table.lookedOn();
  }

  apply(desired: DesiredRouting, keyPair?: KeyPair): Promise<void> {
    return this.turns.take(() => this.put(desired, keyPair));
  }

  observe(): Promise<DataPlaneReport> {
    return Promise.resolve({
      generation: this.inForce?.generation ?? 0,
      pid: process.pid,
      startedAt: this.startedAt,
      endpoint: this.front?.address ?? null,
      ...this.table.report(),
    });
  }

  take(listener: TcpHandle | null): void {
    this.listener = listener;
    this.retired = false;
  }

  share(endpoint: DesiredRouting["endpoint"]): Promise<TcpHandle | null> {
    return this.turns.take(async () => {
      const { front, inForce } = this;
      return front !== null && sameEndpoint(inForce?.endpoint, endpoint) ? front.copyOfListener() : null;
    });
  }

  /** By which it listens; null: nobody takes connections here. */
  get listening(): TcpHandle | null {
    return this.front?.handle ?? null;
  }

  retire(): Promise<void> {
    return this.turns.take(async () => {
      this.retired = true;
      // Clients in the queue of a socket that nobody reads would wait for ever.
      this.listener?.close();
      this.listener = null;
      if (this.front === null) return;
      this.front.leave();
      this.leaving.push(this.front);
      this.front = null;
    });
  }

  get isIdle(): boolean {
    this.leaving = this.leaving.filter((front) => !front.isIdle);
    return this.front === null && this.leaving.length === 0;
  }

  shutdown(graceSeconds: number): Promise<void> {
    return this.turns.take(async () => {
      const fronts = this.front === null ? this.leaving : [this.front, ...this.leaving];
      await Promise.all(fronts.map((front) => front.close(graceSeconds)));
      this.front = null;
      this.leaving = [];
      this.table.close();
    });
  }

  private async put(desired: DesiredRouting, given: KeyPair | undefined): Promise<void> {
    this.fenced.admit(desired, this.inForce);
    const keyPair = keyPairFor(desired, given);
    const watch = desired.balancer.accessLog === true ? this.logged : null;
    if (this.retired) {
      this.inForce = desired;
      for (const front of this.leaving) front.setBalancer(desired.balancer, keyPair, watch);
      this.table.set(desired);
      return;
    }
    const moved = this.front === null || !sameEndpoint(this.inForce?.endpoint, desired.endpoint);
    // Listen first: if the new address is taken, everything stays as it was.
    const front = moved ? await this.listen(desired, keyPair) : this.front!;
    const before = this.front;
    this.front = front;
    this.inForce = desired;
    front.setBalancer(desired.balancer, keyPair, watch);
    this.table.set(desired);
    if (before !== null && before !== front) void before.close(desired.balancer.requestTimeoutSeconds);
  }

  private async listen({ endpoint, balancer }: DesiredRouting, keyPair: KeyPair | null): Promise<FrontServer> {
    const { listener } = this;
    this.listener = null;
    if (listener === null) return FrontServer.listen(endpoint, this.table, balancer, keyPair);
    return FrontServer.listenOn(listener, this.table, balancer, keyPair);
  }
}
