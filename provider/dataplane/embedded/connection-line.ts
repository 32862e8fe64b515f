import type { Socket } from "node:net";

/** Where connections are let in from the line. */
export interface Door {
  /** Those that are in. */
  readonly clients: number;
  readonly maxConnections: number;
  /** Nothing of it has been read. */
  letIn(socket: Socket): void;
  /** It has waited, and may have said something meanwhile. */
  letInAtLast(socket: Socket): void;
}

/**
 * Connections beyond the most that there may be at once wait here, unread, until one of those has gone, as they do in the listen
 * queue of HAProxy; no more of them than may be in, as there.
 */
export class ConnectionLine {
  private readonly waiting = new Set<Socket>();

  constructor(private readonly door: Door) {}

  get isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  arrive(socket: Socket): void {
    const { clients, maxConnections } = this.door;
    if (this.isEmpty && clients < maxConnections) return this.door.letIn(socket);
    if (this.waiting.size >= maxConnections) return void socket.destroy();
    this.waiting.add(socket);
    // No more than Node reads of its own, so that one that goes away is noticed.
    socket.read(0);
    // `close` always follows.
    socket.on("error", () => undefined);
    socket.once("close", () => this.waiting.delete(socket));
  }

  /** Some of those who were in may have gone. */
  move(): void {
    for (const socket of this.waiting) {
      if (this.door.clients >= this.door.maxConnections) return;
      this.waiting.delete(socket);
      this.door.letInAtLast(socket);
    }
  }

  /** Whoever has not come in by now never will. */
  close(): void {
    for (const socket of this.waiting) socket.destroy();
  }
}
