import { createServer, type AddressInfo } from "node:net";

/** A replica that costs as little as possible: 1 KB for each request, without looking at it. Says its port. */
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nserver: bench\r\ncontent-type: application/json\r\ncontent-length: 1024\r\n\r\n${"x".repeat(1024)}`,
);
const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    for (let at = chunk.indexOf("\r\n\r\n"); at !== -1; at = chunk.indexOf("\r\n\r\n", at + 4)) socket.write(answer);
  });
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
