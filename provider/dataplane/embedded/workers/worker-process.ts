import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { Server } from "node:net";
import { ServeError } from "../../../core/errors";
import { sameEndpoint, type DesiredRouting, type Endpoint } from "../../../core/routing";
import type { KeyPair } from "../../../core/spec/tls-input";
import type { DataPlaneReport } from "../../../ports/dataplane";
import { allowedEnvironment } from "../../../host/child";
import { programOf } from "../../../host/own-program";
import { known, type TcpHandle } from "../../listener";
import { logError } from "../../log-error";
import { fromWire } from "../../protocol";
import type { SentEntries } from "./entry-sender";
import type { FromWorker, Order, ToWorker } from "./orders";

/** One that takes longer hangs: it is ended, and another one takes its place. */
const ANSWER_WITHIN_MS = 15_000;
/** The same for its first answer, before which it starts: where many start at once, they have to share the cores. */
const START_WITHIN_MS = 60_000;
/** Whoever asks for a report does not wait for one that is busy: what it told last has to do. */
const REPORT_WITHIN_MS = 1000;
/** On top of the grace of a shutdown. */
const END_WITHIN_MS = 1000;

export interface WorkerEvents {
  onReport(report: DataPlaneReport, before: DataPlaneReport | null): void;
  onWaiting(): void;
  onAccess(sent: SentEntries): void;
  /** After everything else that it said. */
  onGone(worker: WorkerProcess): void;
}

interface Pending {
  resolve(handle: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** One worker, as the process of the data plane sees it: gone when it is dead, whatever it died of. */
export class WorkerProcess {
  /** What it told last. */
  report: DataPlaneReport | null = null;
  gone = false;
  readonly startedAt = performance.now();
  private readonly child: ChildProcess;
  private readonly pending = new Map<number, Pending>();
  private readonly closed: Promise<void>;
  private endpoint: Endpoint | undefined;
  private lastId = 0;

  constructor(
    serviceFolder: string,
    private readonly events: WorkerEvents,
  ) {
    const { args, cwd } = programOf(join(__dirname, "main"));
    // The folder is only for whoever looks at the list of processes.
    this.child = spawn(process.execPath, [...args, serviceFolder], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: allowedEnvironment(),
      cwd: cwd ?? "/",
    });
    this.child.on("message", (message, handle) => this.hear(message as FromWorker, handle));
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        if (!this.gone) this.wentAway();
        resolve();
      };
      this.child.on("error", (error) => {
        logError(error);
        if (this.child.pid === undefined) end();
      });
      // Not `exit`: what it said last may come after that.
      this.child.once("close", end);
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Whether it takes connections there. */
  listensOn(endpoint: Endpoint): boolean {
    return sameEndpoint(this.endpoint, endpoint);
  }

  /** `listener`: null where it is to open one itself, or has it already. */
  async apply(desired: DesiredRouting, keyPair: KeyPair | undefined, listener: TcpHandle | null): Promise<void> {
    await this.ask({ method: "apply", desired, keyPair }, listener);
    this.endpoint = desired.endpoint;
  }

  /** A second handle of the socket that it listens on. */
  async listener(): Promise<TcpHandle> {
    return known(await this.ask({ method: "listener" }));
  }

  /** Afterwards `report` is as new as it can be had. */
  async look(): Promise<void> {
    const late = new Promise((resolve) => setTimeout(resolve, REPORT_WITHIN_MS).unref());
    await Promise.race([late, this.ask({ method: "observe" })]).catch(() => undefined);
  }

  async leave(): Promise<void> {
    // One that is gone has left.
    await this.ask({ method: "leave" }).catch(() => undefined);
  }

  /** Resolves when it has ended. */
  async shutdown(graceSeconds: number): Promise<void> {
    const cut = setTimeout(() => this.kill(), graceSeconds * 1000 + END_WITHIN_MS);
    this.send({ method: "shutdown", graceSeconds });
    await this.closed;
    clearTimeout(cut);
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }

  private ask(order: Order, handle: TcpHandle | null = null): Promise<unknown> {
    if (this.gone) return Promise.reject(new WorkerGone());
    return new Promise((resolve, reject) => {
      const id = (this.lastId += 1);
      const within = this.report === null ? START_WITHIN_MS : ANSWER_WITHIN_MS;
      const timer = setTimeout(() => {
        process.stderr.write(`worker ${this.pid} does not answer and is ended\n`);
        this.kill();
      }, within);
      this.pending.set(id, { resolve, reject, timer });
      this.send({ ...order, id }, handle);
    });
  }

  private send(order: ToWorker, handle: TcpHandle | null = null): void {
    // Kept open: the next worker needs it, too. One that cannot be reached is dead, and `close` follows.
    this.child.send(order, (handle ?? undefined) as unknown as Server, { keepOpen: true }, () => undefined);
  }

  private hear(message: FromWorker, handle: unknown): void {
    switch (message.kind) {
      case "done":
        this.told(message.report);
        this.settle(message.id)?.resolve(handle);
        return;
      case "failed":
        this.settle(message.id)?.reject(fromWire(message.error));
        return;
      case "waiting":
        this.events.onWaiting();
        return;
      case "access":
        this.events.onAccess(message);
        return;
      case "left":
        this.told(message.report);
    }
  }

  private told(report: DataPlaneReport): void {
    const before = this.report;
    this.report = report;
    this.events.onReport(report, before);
  }

  private settle(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }

  private wentAway(): void {
    this.gone = true;
    for (const id of [...this.pending.keys()]) this.settle(id)!.reject(new WorkerGone());
    this.events.onGone(this);
  }
}

/** It died before it answered: another one takes its place, so that this fails nothing. */
export class WorkerGone extends ServeError {
  constructor() {
    super({
      code: "DataPlaneUnreachable",
      scope: "dataplane",
      retryable: true,
      reasons: ["A worker of the load balancer ended before it served; see dataplane.log. It is tried again."],
    });
  }
}
