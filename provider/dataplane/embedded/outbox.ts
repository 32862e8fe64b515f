import type { Socket } from "node:net";
import { JOINED_BYTES } from "./joined";

/** No more than so many wait for each other: the first of them must not notice it. */
const MOST_HELD = 32;
/** With fewer requests under way, hardly ever two have something to send in the same moment. */
const FEW = 4;

/**
 * What is sent while the events of one moment are worked off goes out at the end of them, one after the other. Whoever is
 * woken by the first piece is still awake when the next ones come; sent one by one, each wakes somebody who had just gone to
 * sleep, and on a virtual machine that costs as much as all else that is done for a request. Only for requests and the ends of
 * answers: of streams hardly any two have something to say in the same moment, and what they say is not to wait.
 */
class Outbox {
  /** Requests that replicas have, of all engines in this process. */
  underWay = 0;
  private readonly held: Socket[] = [];
  private readonly release = (): void => {
    for (const socket of this.held) socket.uncork();
    this.held.length = 0;
  };

  /** False: the socket is full, as `write` says it. */
  send(socket: Socket, data: Buffer | string): boolean {
    if (this.underWay >= FEW && data.length <= JOINED_BYTES && socket.writableCorked === 0) {
      if (this.held.length === 0) setImmediate(this.release);
      socket.cork();
      this.held.push(socket);
    }
    const hasRoom = socket.write(data, "latin1");
    if (this.held.length === MOST_HELD) this.release();
    return hasRoom;
  }

  /** For a socket that is about to be destroyed: what it was to send must not be lost with it. */
  flush(socket: Socket): void {
    while (socket.writableCorked > 0) socket.uncork();
  }
}

export const outbox = new Outbox();
