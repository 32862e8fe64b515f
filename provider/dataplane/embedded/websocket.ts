import type { Inlet } from "./inlet";
import type { UpstreamConnection } from "./upstream-connection";

/** What both ends of a handshake say of the protocol; no other one is ever switched to. */
export const WEBSOCKET_FIELDS = "connection: Upgrade\r\nupgrade: websocket\r\n";

/**
 * Joins both ends once the replica has agreed: whatever one says goes to the other, the end of one direction too, and
 * neither is read faster than the other takes it. `onOver` when the replica is free of it.
 */
export function join(
  { inlet, connection }: { inlet: Inlet; connection: UpstreamConnection },
  answer: { fields: string; rest: Buffer },
  idleSeconds: number,
  onOver: () => void,
): void {
  const replica = connection.socket;
  const client = inlet.socket;
  const passOn = (chunk: Buffer): void => {
    if (!client.write(Buffer.from(chunk))) replica.pause();
  };
  connection.switchTo(passOn);
  client.on("drain", () => replica.resume());
  inlet.take = (chunk) => {
    if (!replica.write(Buffer.from(chunk))) client.pause();
  };
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
  client.write(`HTTP/1.1 101 Switching Protocols\r\n${WEBSOCKET_FIELDS}${answer.fields}\r\n`, "latin1");
  if (answer.rest.length > 0) passOn(answer.rest);
}

const KEEP_ALIVE_MS = 30_000;
