import { ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { UpstreamConnection } from "./upstream-connection";

/** What both ends of a handshake say of the protocol; no other one is ever switched to. */
export const WEBSOCKET_FIELDS = "connection: Upgrade\r\nupgrade: websocket\r\n";

/** Whether a request asks for a WebSocket as RFC 6455 has it. Any other wish to switch is answered as if it were not there. */
export function asksForWebSocket({ method, httpVersionMinor, headers }: IncomingMessage): boolean {
  const { upgrade, "content-length": length, "transfer-encoding": coding } = headers;
  const bodiless = length === undefined && coding === undefined;
  return method === "GET" && httpVersionMinor === 1 && bodiless && upgrade?.toLowerCase() === "websocket";
}

/** The same request without its wish to switch, as the client would have sent it. */
export function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]!.toLowerCase() !== "upgrade") head += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, "latin1");
}

/**
 * The response to a handshake, on a connection that Node's HTTP server has let go of. Until a replica has agreed, what the
 * client says is neither a frame nor a request: one that does not wait for the answer is cut off, and none of it is passed on.
 */
export function answerTo(req: IncomingMessage, socket: Socket): ServerResponse {
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket);
  res.once("finish", () => socket.destroySoon());
  socket.on("data", () => socket.destroy());
  socket.on("end", () => socket.destroy());
  // `close` always follows.
  socket.on("error", () => undefined);
  return res;
}

/**
 * Joins both ends once the replica has agreed: whatever one says goes to the other, the end of one direction too, and
 * neither is read faster than the other takes it. `onOver` when the replica is free of it.
 */
export function join(
  { res, connection }: { res: ServerResponse; connection: UpstreamConnection },
  answer: { headers: readonly string[]; rest: Buffer },
  idleSeconds: number,
  onOver: () => void,
): void {
  const client = res.socket!;
  const replica = connection.socket;
  res.detachSocket(client);
  client.removeAllListeners("data");
  client.removeAllListeners("end");
  const passOn = (chunk: Buffer): void => {
    if (!client.write(Buffer.from(chunk))) replica.pause();
  };
  connection.switchTo(passOn);
  client.on("drain", () => replica.resume());
  client.on("data", (chunk: Buffer) => {
    if (!replica.write(chunk)) client.pause();
  });
  replica.on("drain", () => client.resume());
  client.on("end", () => replica.end());
  replica.on("end", () => client.end());
  client.on("close", () => replica.destroySoon());
  replica.on("close", () => {
    client.destroySoon();
    onOver();
  });
  // Each word of either side goes through this socket.
  replica.setTimeout(idleSeconds * 1000, () => {
    client.destroy();
    replica.destroy();
  });
  // A client whose computer is gone says nothing, for ever.
  client.setKeepAlive(true, KEEP_ALIVE_MS);
  client.write(head(answer.headers), "latin1");
  if (answer.rest.length > 0) passOn(answer.rest);
}

const KEEP_ALIVE_MS = 30_000;

function head(headers: readonly string[]): string {
  let text = `HTTP/1.1 101 Switching Protocols\r\n${WEBSOCKET_FIELDS}`;
  for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return `${text}\r\n`;
}
