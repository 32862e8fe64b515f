import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { ServeError } from "../core/errors";
import type { Engine } from "./engine";
import type { Persisted } from "./persisted";
import { readMessages, toWire, writeMessage, type ControlRequest } from "./protocol";
import type { Reviver } from "./revive";

const ANSWER_WITHIN_MS = 2000;

interface ControlParts {
  engine: Engine;
  persisted: Persisted;
  reviver: Reviver;
  /** After a shutdown that was asked for has been answered. */
  onShutdown(): void;
}

/** The unix socket on which the agent gives its orders. Only this user may open it. */
export class ControlSocket {
  private readonly server: Server;
  private readonly open = new Set<Socket>();

  constructor(
    private readonly path: string,
    private readonly parts: ControlParts,
  ) {
    this.server = createServer((socket) => this.accept(socket));
    parts.engine.onWaiting?.(() => {
      for (const socket of this.open) writeMessage(socket, { event: "waiting" });
    });
  }

  async listen(): Promise<void> {
    if (await answers(this.path)) {
      throw new ServeError({
        code: "EndpointInUse",
        scope: "dataplane",
        reasons: [`A load balancer of this service already answers at ${this.path}.`],
      });
    }
    rmSync(this.path, { force: true });
    // The mode comes with the socket: between a listen and a chmod anybody could connect.
    const mask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.server.once("error", reject);
        this.server.listen(this.path, resolve);
      });
      chmodSync(this.path, 0o600);
    } finally {
      process.umask(mask);
    }
  }

  /** Whoever is connected, an agent that has yet to say hello too. */
  get peers(): number {
    return this.open.size;
  }

  close(): void {
    this.server.close();
    for (const socket of this.open) socket.destroy();
    rmSync(this.path, { force: true });
  }

  private accept(socket: Socket): void {
    this.open.add(socket);
    const peer = new Peer(socket, this.parts);
    readMessages(socket, (message) => void peer.answer(message as ControlRequest));
    // A peer that was killed is told by `close`, which always follows.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.open.delete(socket);
      peer.gone();
    });
  }
}

/** One connection and what it said about itself. */
class Peer {
  private epoch: number | null = null;
  private saidGoodbye = false;

  constructor(
    private readonly socket: Socket,
    private readonly parts: ControlParts,
  ) {}

  async answer(request: ControlRequest): Promise<void> {
    try {
      const result = await this.carryOut(request);
      writeMessage(this.socket, { id: request.id, result });
    } catch (error) {
      writeMessage(this.socket, { id: request.id, error: toWire(error) });
      return;
    }
    if (request.method === "shutdown") this.socket.end(() => this.parts.onShutdown());
  }

  gone(): void {
    if (this.epoch !== null && !this.saidGoodbye) this.parts.reviver.agentWent("broken");
  }

  private async carryOut(request: ControlRequest): Promise<unknown> {
    const { engine, persisted, reviver } = this.parts;
    switch (request.method) {
      case "hello":
        engine.fence(request.params.epoch);
        if (this.epoch === null) reviver.agentCame();
        this.epoch = request.params.epoch;
        persisted.save({ revive: request.params.revive });
        return { pid: process.pid };
      case "apply":
        await engine.apply(request.params.desired);
        persisted.save({ routing: request.params.desired, keyPair: undefined });
        return null;
      case "applyTls":
        await engine.apply(request.params.desired, request.params.keyPair);
        persisted.save({ routing: request.params.desired, keyPair: request.params.keyPair });
        return null;
      case "observe":
        // Whoever has not said hello only looks, such as `status`.
        if (this.epoch !== null) engine.lookedOn?.();
        return engine.observe();
      case "goodbye":
        if (this.epoch !== null && !this.saidGoodbye) reviver.agentWent("goodbye");
        this.saidGoodbye = true;
        return null;
      case "shutdown":
        if (this.epoch !== null) engine.fence(this.epoch);
        // From here on nobody may bring the agent, and with it the service, back to life.
        reviver.stop();
        await engine.shutdown(request.params.graceSeconds);
        persisted.remove();
        return null;
      default:
        throw new ServeError({
          code: "Unsupported",
          scope: "dataplane",
          reasons: [
            `The load balancer does not know the order "${String((request as { method: unknown }).method)}": it is older than its agent.`,
          ],
        });
    }
  }
}

/**
 * Whether a living data plane is there. A socket file may be left over from a killed one, and one that is just dying still
 * accepts connections: only an answer counts.
 */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => writeMessage(socket, { id: 0, method: "observe", params: {} }));
    const finish = (alive: boolean): void => {
      socket.destroy();
      resolve(alive);
    };
    // Alive but too busy to answer: taking its socket away would be worse than not starting.
    socket.setTimeout(ANSWER_WITHIN_MS, () => finish(true));
    socket.on("data", () => finish(true));
    socket.on("error", () => finish(false));
    socket.on("close", () => resolve(false));
  });
}
