import type { Server } from "node:net";
import type { TcpHandle } from "../../listener";
import { toWire } from "../../protocol";
import { VersionCounts } from "../../version-counts";
import { EmbeddedEngine } from "../engine";
import { EntrySender } from "./entry-sender";
import type { FromWorker, Order, ToWorker } from "./orders";

/** How often one that leaves looks whether its last connection has ended, in milliseconds. */
const LOOK_MS = 100;
/**
 * How long what runs may go on when the process that we work for has died. Its successor waits for the port, so nobody new is
 * taken, at once; but a stream has no other way to its end, and to cut it would lose what nobody has to lose. No longer,
 * as nobody tells us of replicas any more, and no successor knows what we still have at them.
 */
const ORPHANED_SECONDS = 30;

/** One of the processes that carry the requests where there are several; the one that started it tells it what to do. */
class Worker {
  private readonly log = new EntrySender((sent) => send({ kind: "access", ...sent }));
  private readonly engine = new EmbeddedEngine(new VersionCounts(), this.log);
  private leaving: NodeJS.Timeout | null = null;

  constructor() {
    this.engine.onWaiting(() => void send({ kind: "waiting" }));
    process.on("message", (order: ToWorker, handle: TcpHandle | undefined) => {
      if (order.method === "shutdown") void this.shutdown(order.graceSeconds);
      else void this.answer(order, handle ?? null);
    });
    process.once("disconnect", () => void this.shutdown(ORPHANED_SECONDS));
    // The computer goes down: the one that we work for has heard it as well, and says how long we may go on.
    process.on("SIGTERM", () => undefined);
  }

  private async answer(order: Order & { id: number }, given: TcpHandle | null): Promise<void> {
    const { id } = order;
    try {
      const handle = await this.carryOut(order, given);
      await send({ kind: "done", id, report: await this.engine.observe() }, handle);
    } catch (error) {
      await send({ kind: "failed", id, error: toWire(error) });
    }
  }

  private async carryOut(order: Order, given: TcpHandle | null): Promise<TcpHandle | null> {
    switch (order.method) {
      case "apply":
        // Clients are taken from the moment in which this routing is in force, and not before.
        if (given !== null) this.engine.take(given);
        await this.engine.apply(order.desired, order.keyPair);
        return null;
      case "observe":
        return null;
      case "listener":
        return this.engine.listening;
      case "leave":
        await this.engine.retire();
        this.leaving ??= setInterval(() => void this.endWhenIdle(), LOOK_MS);
        return null;
    }
  }

  private async endWhenIdle(): Promise<void> {
    const report = await this.engine.observe();
    // What runs on a listener before the last one is known by its replica only.
    if (!this.engine.isIdle || Object.values(report.replicas).some(({ inFlight }) => inFlight > 0)) return;
    await send({ kind: "left", report });
    await this.shutdown(0);
  }

  private async shutdown(graceSeconds: number): Promise<void> {
    if (this.leaving !== null) clearInterval(this.leaving);
    await this.engine.shutdown(graceSeconds);
    await this.log.flush();
    process.exit(0);
  }
}

/** Resolves when it has left this process, or cannot. */
function send(message: FromWorker, handle: TcpHandle | null = null): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected)
      process.send!(message, (handle ?? undefined) as unknown as Server, { keepOpen: true }, () => resolve());
    else resolve();
  });
}

new Worker();
