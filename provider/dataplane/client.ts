import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { ServeError } from "../core/errors";
import type { DesiredRouting } from "../core/routing";
import type { EngineKind } from "../core/spec/pool";
import type { KeyPair } from "../core/spec/tls-input";
import type { DataPlane, DataPlaneReport } from "../ports/dataplane";
import { spawnDetached } from "../host/child";
import { programOf } from "../host/own-program";
import { controlSocket } from "../host/paths";
import {
  fromWire,
  type ControlEvent,
  readMessages,
  writeMessage,
  type ControlRequest,
  type ControlResponse,
  type ReviveCommand,
} from "./protocol";

/** Longest wait for an answer, in milliseconds; a shutdown has its grace on top. */
const ANSWER_WITHIN_MS = 10_000;

/** An order without the id that it travels under; distributes over the union, so that method and params stay a pair. */
type Order<R = ControlRequest> = R extends ControlRequest ? Omit<R, "id"> : never;

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** The agent's end of the control socket. One connection: when it breaks, every call throws and a new client is needed. */
export class DataPlaneClient implements DataPlane {
  private readonly pending = new Map<number, Pending>();
  private readonly listeners: (() => void)[] = [];
  private waiting: (() => void) | null = null;
  private lastId = 0;
  private messages = 0;
  private connected = true;
  private readonly socket: Socket;
  private readonly path: string;

  /** Connects at once; when nobody listens there yet, every call throws DataPlaneUnreachable (retryable). */
  constructor(serviceFolder: string) {
    this.path = controlSocket(serviceFolder);
    this.socket = connect(this.path);
    readMessages(this.socket, (message) => this.received(message as ControlResponse | ControlEvent));
    // `close` always follows.
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => this.disconnected());
  }

  /** As the constructor, but throws DataPlaneUnreachable itself when nobody listens there yet. */
  static async connect(serviceFolder: string): Promise<DataPlaneClient> {
    const client = new DataPlaneClient(serviceFolder);
    await new Promise<void>((resolve, reject) => {
      client.socket.once("connect", resolve);
      client.onDisconnect(() => reject(unreachable(client.path)));
    });
    return client;
  }

  /** Called once when the data plane has gone or the connection broke, at once if that is so already. */
  onDisconnect(listener: () => void): void {
    if (this.connected) this.listeners.push(listener);
    else listener();
  }

  /** Messages that came so far, refusals too: while it grows, the data plane is alive. */
  get heard(): number {
    return this.messages;
  }

  /** Called whenever a request comes to a route that has no replica at all. */
  onWaiting(listener: () => void): void {
    this.waiting = listener;
  }

  /** Makes this connection the agent's: if it breaks without `goodbye`, the data plane runs `revive`. */
  async hello(epoch: number, revive: ReviveCommand): Promise<void> {
    await this.ask({ method: "hello", params: { role: "agent", epoch, revive } });
  }

  /** The agent leaves on purpose; a successor has 15 s before the data plane revives one. */
  async goodbye(): Promise<void> {
    await this.ask({ method: "goodbye", params: {} });
  }

  async apply(desired: DesiredRouting, keyPair?: KeyPair): Promise<void> {
    if (keyPair === undefined) await this.ask({ method: "apply", params: { desired } });
    else await this.ask({ method: "applyTls", params: { desired, keyPair } });
  }

  async observe(): Promise<DataPlaneReport> {
    const report = (await this.ask({ method: "observe", params: {} })) as DataPlaneReport;
    // A balancer that was started by an older package serves on, and counts nothing per version.
    return { ...report, versions: report.versions ?? {} };
  }

  async shutdown(graceSeconds: number): Promise<void> {
    await this.ask({ method: "shutdown", params: { graceSeconds } }, graceSeconds * 1000);
  }

  /** Lets go of the connection; without a `goodbye` before it this looks like a killed agent. */
  close(): void {
    this.socket.destroy();
  }

  private ask(order: Order, extraMs = 0): Promise<unknown> {
    if (!this.connected) return Promise.reject(unreachable(this.path));
    return new Promise((resolve, reject) => {
      const id = (this.lastId += 1);
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(unreachable(this.path));
      }, ANSWER_WITHIN_MS + extraMs);
      this.pending.set(id, { resolve, reject, timer });
      writeMessage(this.socket, { id, ...order });
    });
  }

  private received(response: ControlResponse | ControlEvent): void {
    this.messages += 1;
    if ("event" in response) {
      this.waiting?.();
      return;
    }
    const waiting = this.pending.get(response.id);
    if (waiting === undefined) return;
    this.pending.delete(response.id);
    clearTimeout(waiting.timer);
    if ("error" in response) waiting.reject(fromWire(response.error));
    else waiting.resolve(response.result);
  }

  private disconnected(): void {
    this.connected = false;
    for (const waiting of this.pending.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(unreachable(this.path));
    }
    this.pending.clear();
    for (const listener of this.listeners.splice(0)) listener();
  }
}

/** Starts the data plane of a service as a process that outlives us; it ends by itself when there is one. Returns its pid. */
export function startDataPlane(serviceFolder: string, engine: EngineKind = "embedded"): number {
  const program = programOf(join(__dirname, "main"));
  return spawnDetached({
    command: process.execPath,
    args: [...program.args, serviceFolder, engine],
    cwd: program.cwd,
    logFile: join(serviceFolder, "dataplane.log"),
  });
}

function unreachable(path: string): ServeError {
  return new ServeError({
    code: "DataPlaneUnreachable",
    scope: "dataplane",
    retryable: true,
    reasons: [`The load balancer does not answer at ${path}: the agent starts it again.`],
  });
}
