import type { DesiredRouting } from "../../core/routing";
import type { DataPlaneReport } from "../../ports/dataplane";
import type { Engine } from "../engine";
import { Fence } from "../fence";
import { RoutingTable } from "./routing-table";
import { FrontServer } from "./server";

/** The load balancer itself, in this process: listener, routing and fence. */
export class EmbeddedEngine implements Engine {
  private readonly table = new RoutingTable();
  private readonly startedAt = Date.now();
  private front: FrontServer | null = null;
  private inForce: DesiredRouting | null = null;
  private readonly fenced = new Fence();
  private applying: Promise<void> = Promise.resolve();

  fence(epoch: number): void {
    this.fenced.raise(epoch);
  }

  onWaiting(listener: () => void): void {
    this.table.onWaiting = listener;
  }

  /** One after the other: two listeners must not fight for one port. */
  apply(desired: DesiredRouting): Promise<void> {
    const applied = this.applying.then(() => this.put(desired));
    this.applying = applied.catch(() => undefined);
    return applied;
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

  async shutdown(graceSeconds: number): Promise<void> {
    await this.applying;
    await this.front?.close(graceSeconds);
    this.front = null;
    this.table.close();
  }

  private async put(desired: DesiredRouting): Promise<void> {
    this.fenced.admit(desired, this.inForce);
    const moved = this.front === null || !sameEndpoint(this.inForce?.endpoint, desired.endpoint);
    // Listen first: if the new address is taken, everything stays as it was.
    const front = moved ? await FrontServer.listen(desired.endpoint, this.table, desired.balancer) : this.front!;
    const before = this.front;
    this.front = front;
    this.inForce = desired;
    front.setBalancer(desired.balancer);
    this.table.set(desired);
    if (before !== null && before !== front) void before.close(desired.balancer.requestTimeoutSeconds);
  }
}

function sameEndpoint(a: DesiredRouting["endpoint"] | undefined, b: DesiredRouting["endpoint"]): boolean {
  return a?.host === b.host && a.port === b.port;
}
