import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool, type Dispatcher } from "undici";

/** `undici <port>...`: what one would write with undici's lowest interface. Says its port. */
const pools = process.argv.slice(2).map((port) => new Pool(`http://127.0.0.1:${port}`, { connections: 128 }));
let turn = 0;
const server = createServer((req, res) => {
  const pool = pools[(turn = (turn + 1) % pools.length)]!;
  const headers: string[] = [];
  for (let at = 0; at < req.rawHeaders.length; at += 2) {
    const name = req.rawHeaders[at]!;
    if (/^(connection|keep-alive|transfer-encoding|te|upgrade)$/i.test(name)) continue;
    headers.push(name, req.rawHeaders[at + 1]!);
  }
  headers.push("x-forwarded-for", req.socket.remoteAddress ?? "");
  const hasBody = req.headers["content-length"] !== undefined || req.headers["transfer-encoding"] !== undefined;
  // The interface without wrapping: raw header fields in, raw header fields out.
  const handler = {
    // Otherwise the streams of clients that have left would keep their connections, until none is left.
    onConnect: (abort: () => void) => void res.once("close", () => res.writableFinished || abort()),
    onHeaders: (status: number, raw: Buffer[]) => {
      const fields: string[] = [];
      for (let at = 0; at < raw.length; at += 2) {
        const name = raw[at]!.toString("latin1");
        if (/^(connection|keep-alive|transfer-encoding)$/i.test(name)) continue;
        fields.push(name, raw[at + 1]!.toString("latin1"));
      }
      res.writeHead(status, fields);
      return true;
    },
    onData: (chunk: Buffer) => res.write(chunk),
    onComplete: () => void res.end(),
    onError: () => void res.destroy(),
  };
  const method = req.method as Dispatcher.HttpMethod;
  pool.dispatch({ path: req.url!, method, headers, body: hasBody ? req : null }, handler);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
