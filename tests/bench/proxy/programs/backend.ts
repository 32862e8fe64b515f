import { createServer, type AddressInfo, type Socket } from "node:net";

/**
 * `backend [events]`: a replica that costs as little as possible, and says its port. It looks at the path only: `/events` is a
 * stream of 100 events, or so many, one each 20 ms, that tell when they were sent; everything else is answered with 1 KB.
 */
const EVENTS = Number(process.argv[2] ?? 100);
const EVERY_MS = 20;
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nserver: bench\r\ncontent-type: application/json\r\ncontent-length: 1024\r\n\r\n${"x".repeat(1024)}`,
);
const streamHead =
  "HTTP/1.1 200 OK\r\nserver: bench\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const padding = "x".repeat(110);

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    for (let at = chunk.indexOf("\r\n\r\n"); at !== -1; at = chunk.indexOf("\r\n\r\n", at + 4)) {
      // SkyServe's balancer adds a "?".
      if (chunk.indexOf(" /events") === -1) socket.write(answer);
      else stream(socket);
    }
  });
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));

function stream(socket: Socket): void {
  socket.write(streamHead);
  let sent = 0;
  const timer = setInterval(() => {
    const event = `data: {"at":${(performance.timeOrigin + performance.now()).toFixed(3)},"text":"${padding}"}\n\n`;
    socket.write(`${event.length.toString(16)}\r\n${event}\r\n`);
    sent += 1;
    if (sent < EVENTS) return;
    clearInterval(timer);
    socket.write("0\r\n\r\n");
  }, EVERY_MS);
  socket.once("close", () => clearInterval(timer));
}
