import { Socket } from "node:net";

/** How much of a client is read at once, in bytes. */
const READ_BYTES = 64 * 1024;

/** A client's socket. What it says goes to `take`, whoever that is at the moment; who keeps it longer than the call copies it. */
export interface Inlet {
  readonly socket: Socket;
  take: (bytes: Buffer) => void;
}

/** Of a socket that is read by its events, as one with TLS is. */
export function inletOf(socket: Socket): Inlet {
  const inlet: Inlet = { socket, take: () => undefined };
  socket.on("data", (bytes: Buffer) => inlet.take(bytes));
  return inlet;
}

/** All clients are read into it: of each read, everything is said before the next one. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * Of a connection that was just accepted and is not read yet. All of these share one buffer, where Node would make a new one for
 * each read of each client, and take it through its streams, which costs more than our own work on a request. Node documents this for sockets
 * that connect (`onread`) and not for those that are accepted, so that it is asked for what it is made of; where it is made
 * of something else, the socket is read by its events.
 */
export function freshInlet(accepted: Socket): Inlet {
  const { _handle: handle = null, _server: server } = accepted as Accepted;
  if (handle === null || server === undefined) return inletOf(accepted.resume());
  const callback = (length: number): boolean => {
    inlet.take(shared.subarray(0, length));
    return true;
  };
  const socket: Accepted = new Socket({ handle, allowHalfOpen: true, onread: { buffer: shared, callback } } as never);
  const inlet: Inlet = { socket, take: () => undefined };
  // The server counts it until it is closed, as it would have counted the other one, which has nothing any more.
  socket._server = socket.server = server;
  (accepted as Accepted)._handle = null;
  return inlet;
}

type Accepted = Socket & { _handle?: object | null; _server?: object; server?: object };
