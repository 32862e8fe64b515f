import { performance } from "node:perf_hooks";
import { UpstreamConnection } from "./upstream-connection";

/** How often silence and idleness are looked at, in milliseconds; deadlines are exact to this. */
const SWEEP_MS = 100;

/**
 * The keep-alive connections to one replica. Without a cap on purpose: a finite pool is a hidden queue, in which long streams
 * make other requests wait for seconds without an error or a metric. What bounds it is the in-flight limit of the member.
 */
export class UpstreamPool {
  private readonly all = new Set<UpstreamConnection>();
  private readonly idle: UpstreamConnection[] = [];
  private retired = false;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly host: string,
    private readonly port: number,
  ) {}

  /** The idle connection that was used last, or a new one. */
  take(): UpstreamConnection {
    const now = performance.now();
    for (let last = this.idle.pop(); last !== undefined; last = this.idle.pop()) {
      if (last.isUsable(now)) return last;
      last.destroy();
    }
    return this.takeNew();
  }

  takeNew(): UpstreamConnection {
    const made = new UpstreamConnection(this.host, this.port, (closed) => this.forget(closed));
    this.all.add(made);
    this.timer ??= setInterval(() => this.sweep(), SWEEP_MS);
    return made;
  }

  /** Takes back a connection whose response has ended. */
  give(connection: UpstreamConnection): void {
    if (connection.finish() && !this.retired) this.idle.push(connection);
    else connection.destroy();
  }

  /** Idle connections go at once, busy ones after their response. */
  retire(): void {
    this.retired = true;
    for (const connection of this.idle.splice(0)) connection.destroy();
  }

  private sweep(): void {
    const now = performance.now();
    for (const connection of this.all) connection.sweep(now);
  }

  private forget(connection: UpstreamConnection): void {
    this.all.delete(connection);
    const at = this.idle.indexOf(connection);
    if (at !== -1) this.idle.splice(at, 1);
    if (this.all.size > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }
}
