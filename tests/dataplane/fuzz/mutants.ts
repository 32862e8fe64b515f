import type { Random } from "../../simulation/simulator/random";

const SEEDS = [
  "GET /v1/models HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n\r\n",
  "POST /v1/chat HTTP/1.1\r\nHost: a.example\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
  "POST /v1/chat HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=1\r\n world\r\n0\r\n\r\n",
  'PUT /file?x=1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\nA;a="b c"\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n',
  "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nabGET /3 HTTP/1.1\r\nHost: x\r\n\r\n",
  "POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET http://a.example/path?q=1 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n",
  "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
  "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
  "\r\nDELETE /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nz",
];

/** What two parsers have read in two ways before. */
const LINES = [
  "Content-Length: 0\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: +5\r\n",
  "Content-Length: 0x5\r\n",
  "Content-Length: 5, 5\r\n",
  "Content-Length:\r\n",
  "Content-Length: 5 \r\n",
  "Content-Length\t: 5\r\n",
  "Content-Length: \xa05\r\n",
  "Content-Length: 99999999999999999999\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding : chunked\r\n",
  "Transfer-Encoding: xchunked\r\n",
  "Transfer-Encoding: chunked, identity\r\n",
  "Transfer-Encoding: identity, chunked\r\n",
  "Transfer-Encoding:\x0bchunked\r\n",
  "Transfer-Encoding: \xa0chunked\r\n",
  "Transfer-Encoding:\r\n chunked\r\n",
  'Transfer-Encoding: "chunked"\r\n',
  "Transfer_Encoding: chunked\r\n",
  "Connection: close\r\n",
  "Connection: Transfer-Encoding, Content-Length\r\n",
  "Connection: keep-alive\r\n",
  "Connection: upgrade\r\n",
  "Upgrade: h2c\r\n",
  "Host: b\r\n",
  " folded: 1\r\n",
  "X: 1\rY: 2\r\n",
  "X: 1\nContent-Length: 5\r\n",
  "X: \0\r\n",
  ": nameless\r\n",
  "X\r\n",
  "0\r\n\r\n",
  "5;\r\nhello\r\n",
  "5 ;a\r\nhello\r\n",
  "05\r\nhello\r\n",
  "0x5\r\nhello\r\n",
  "ffffffffffffffff5\r\n",
  "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
  "\r\n",
  "\n",
  "\r",
  "\n\n",
];
const BYTES = "\r\n\0\t :;,=\"'/*#?%+-0159aAfFxG\x01\x0b\x0c\x1f\x7f\x80\xa0\xff";

const seeds = SEEDS.map((text) => Buffer.from(text, "latin1"));
const lines = LINES.map((text) => Buffer.from(text, "latin1"));
const bytes = Buffer.from(BYTES, "latin1");

/** A proper run of requests with one to five small injuries. */
export function mutant(random: Random): Buffer {
  const below = (count: number): number => Math.floor(random.next() * count);
  let data = seeds[below(seeds.length)]!;
  for (let left = 1 + below(5); left > 0; left -= 1) {
    const at = below(data.length + 1);
    const before = data.subarray(0, at);
    const after = data.subarray(at);
    const line = data.lastIndexOf("\n", at) + 1;
    switch (below(8)) {
      case 0:
        data = Buffer.concat([before, bytes.subarray(below(bytes.length)).subarray(0, 1), after]);
        break;
      case 1:
        data = Buffer.concat([before, bytes.subarray(below(bytes.length)).subarray(0, 1), after.subarray(1)]);
        break;
      case 2:
        data = Buffer.concat([before, after.subarray(1 + below(3))]);
        break;
      case 3:
      case 4:
        data = Buffer.concat([data.subarray(0, line), lines[below(lines.length)]!, data.subarray(line)]);
        break;
      case 5: {
        const end = data.indexOf("\n", at) + 1;
        data = Buffer.concat([data.subarray(0, end), data.subarray(line, end), data.subarray(end)]);
        break;
      }
      case 6:
        data = Buffer.concat([before, lines[below(lines.length)]!, after]);
        break;
      case 7:
        data = Buffer.concat([data, seeds[below(seeds.length)]!]);
        break;
    }
  }
  return data;
}

/** The same bytes, in pieces as a network may bring them. */
export function cut(data: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < data.length;) {
    const end = at + 1 + Math.floor(random.next() * (random.chance(0.3) ? 3 : data.length));
    pieces.push(data.subarray(at, end));
    at = end;
  }
  return pieces;
}
