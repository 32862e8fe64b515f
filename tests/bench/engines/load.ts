import { connect } from "node:net";

/**
 * `load <port> <clients> <milliseconds>`: keep-alive clients that each have one request under way. Bytes only: the length of
 * an answer is learned once, so that counting them costs next to nothing. Says {requests, failed} as JSON.
 */
const [port, clients, milliseconds] = process.argv.slice(2).map(Number) as [number, number, number];
const request = Buffer.from(
  "GET /v1/models HTTP/1.1\r\nhost: bench.example\r\nuser-agent: bench\r\naccept: */*\r\n\r\n",
);
const counted = { requests: 0, failed: 0 };
let over = false;

for (let client = 0; client < clients; client += 1) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let missing = -1;
  socket.on("connect", () => socket.write(request));
  socket.on("error", () => undefined);
  socket.on("close", () => {
    if (!over) counted.failed += 1;
  });
  socket.on("data", (chunk: Buffer) => {
    if (missing === -1) {
      const head = chunk.indexOf("\r\n\r\n");
      const text = chunk.toString("latin1", 0, head);
      const length = /content-length: (\d+)/i.exec(text);
      if (head === -1 || length === null || !text.startsWith("HTTP/1.1 200")) {
        counted.failed += 1;
        socket.destroy();
        return;
      }
      missing = head + 4 + Number(length[1]);
    }
    missing -= chunk.length;
    if (missing > 0) return;
    missing = -1;
    counted.requests += 1;
    socket.write(request);
  });
}

setTimeout(() => {
  over = true;
  process.stdout.write(`${JSON.stringify(counted)}\n`, () => process.exit());
}, milliseconds);
