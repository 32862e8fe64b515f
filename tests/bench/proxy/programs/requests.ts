import { connect } from "node:net";

/**
 * `requests <port> <clients> <milliseconds> <get | post>`: keep-alive clients that each have one request under way. Bytes
 * only: the length of an answer is learned once, so that counting them costs next to nothing. Says `{units, failed, p50Ms,
 * cpuMicros}` as JSON.
 */
const [port, clients, milliseconds] = process.argv.slice(2, 5).map(Number) as [number, number, number];
const request = process.argv[5] === "post" ? post() : get();
const latencies: number[] = [];
let failed = 0;
let over = false;

for (let client = 0; client < clients; client += 1) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let missing = -1;
  let began = 0;
  const ask = (): void => {
    began = performance.now();
    socket.write(request);
  };
  socket.on("connect", ask);
  socket.on("error", () => undefined);
  socket.on("close", () => {
    if (!over) failed += 1;
  });
  socket.on("data", (chunk: Buffer) => {
    if (missing === -1) {
      const head = chunk.indexOf("\r\n\r\n");
      const text = chunk.toString("latin1", 0, head);
      const length = /content-length: (\d+)/i.exec(text);
      if (head === -1 || length === null || !text.startsWith("HTTP/1.1 200")) {
        failed += 1;
        socket.destroy();
        return;
      }
      missing = head + 4 + Number(length[1]);
    }
    missing -= chunk.length;
    if (missing > 0) return;
    missing = -1;
    latencies.push(performance.now() - began);
    ask();
  });
}

setTimeout(() => {
  over = true;
  latencies.sort((a, b) => a - b);
  const { user, system } = process.cpuUsage();
  const p50Ms = latencies[Math.floor(latencies.length / 2)] ?? null;
  const said = { units: latencies.length, failed, p50Ms, cpuMicros: user + system };
  process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit());
}, milliseconds);

function get(): Buffer {
  return Buffer.from("GET /v1/models HTTP/1.1\r\nhost: bench.example\r\nuser-agent: bench\r\naccept: */*\r\n\r\n");
}

/** What a client's library sends to a language model: 2 KB and twelve header fields. */
function post(): Buffer {
  const body = JSON.stringify({ model: "bench", messages: [{ role: "user", content: "x".repeat(1980) }] });
  const fields = [
    "host: bench.example",
    "accept: application/json",
    "accept-encoding: gzip, deflate",
    "authorization: Bearer bench",
    "content-type: application/json",
    `content-length: ${body.length}`,
    "user-agent: OpenAI/Python 1.99.9",
    "x-stainless-lang: python",
    "x-stainless-os: Linux",
    "x-stainless-runtime: CPython",
    "x-stainless-retry-count: 0",
    "x-request-id: 7b0f1e0e-6d5a-4a55-9d6f-2f1f3f0b7c11",
  ];
  return Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n${body}`);
}
