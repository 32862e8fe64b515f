import { connect } from "node:net";

/**
 * `streams <port> <clients> <milliseconds>`: so many event streams at a time, each followed by the next one. Says `{units,
 * failed, p50Ms, p99Ms, firstByteP50Ms, cpuMicros}` as JSON: the units are events, and their time is that from the replica
 * to here.
 */
const [port, clients, milliseconds] = process.argv.slice(2, 5).map(Number) as [number, number, number];
const request = Buffer.from(
  "GET /events HTTP/1.1\r\nhost: bench.example\r\nuser-agent: bench\r\naccept: text/event-stream\r\n\r\n",
);
const took: number[] = [];
const firstBytes: number[] = [];
let failed = 0;
let over = false;

for (let client = 0; client < clients; client += 1) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let began = 0;
  let rest = "";
  const ask = (): void => {
    began = performance.now();
    socket.write(request);
  };
  // Not all at once: the streams of a service do not begin and end together.
  socket.on("connect", () => setTimeout(ask, (client / clients) * 1000));
  socket.on("error", () => undefined);
  socket.on("close", () => {
    if (!over) failed += 1;
  });
  socket.on("data", (chunk: Buffer) => {
    const now = performance.timeOrigin + performance.now();
    const text = rest + chunk.toString("latin1");
    if (began !== 0) {
      firstBytes.push(performance.now() - began);
      began = 0;
      if (!text.startsWith("HTTP/1.1 200")) {
        failed += 1;
        socket.destroy();
        return;
      }
    }
    const whole = text.lastIndexOf("\n\n") + 1;
    for (const [, at] of text.slice(0, whole).matchAll(/"at":([\d.]+),/g)) took.push(now - Number(at));
    rest = text.slice(whole);
    if (!text.endsWith("0\r\n\r\n")) return;
    rest = "";
    ask();
  });
}

setTimeout(() => {
  over = true;
  const { user, system } = process.cpuUsage();
  const said = {
    units: took.length,
    failed,
    p50Ms: percentile(took, 0.5),
    p99Ms: percentile(took, 0.99),
    firstByteP50Ms: percentile(firstBytes, 0.5),
    cpuMicros: user + system,
  };
  process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit());
}, milliseconds);

function percentile(values: number[], share: number): number | null {
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length * share)] ?? null;
}
