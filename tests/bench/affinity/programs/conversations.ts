import { Agent, request } from "node:http";

/**
 * `conversations <port> <clients> <different prompts> <most thinking, ms> <warm-up, ms> <measured, ms>`: each client talks on
 * and on, sends all that was said before with each turn, and thinks before the next one. Says `{requests, failed, hits, p50Ms,
 * p95Ms}` as JSON, of what began after the warm-up; times are those to the first byte.
 */
const [port, clients, prompts, thinkMs, warmUpMs, measuredMs] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number,
  number,
  number,
];
/** Then a conversation begins anew, with the same prompt. */
const TURNS = 20;
const agent = new Agent({ keepAlive: true, maxSockets: clients });
const begun = performance.now();
const took: number[] = [];
let hits = 0;
let failed = 0;

for (let client = 0; client < clients; client += 1) talk(client);

setTimeout(() => {
  took.sort((a, b) => a - b);
  const percentile = (share: number): number | null => took[Math.floor(took.length * share)] ?? null;
  const said = { requests: took.length, failed, hits, p50Ms: percentile(0.5), p95Ms: percentile(0.95) };
  process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit());
}, warmUpMs + measuredMs);

function talk(client: number): void {
  const prompt = `You are helper ${client % prompts}. ${"Be kind. ".repeat(120)}`;
  let turn = 0;
  const say = (): void => {
    turn = (turn % TURNS) + 1;
    const messages = [{ role: "system", content: prompt }];
    for (let each = 0; each < turn; each += 1) messages.push({ role: "user", content: `${each}: ${"so ".repeat(60)}` });
    ask(JSON.stringify({ messages, model: "bench" }), () => setTimeout(say, pause(client, turn)));
  };
  setTimeout(say, pause(client, 0));
}

/** The same in every run, and not in step with one another. */
function pause(client: number, turn: number): number {
  return (((client * 7919 + turn * 104_729) % 1000) / 1000) * thinkMs;
}

function ask(body: string, done: () => void): void {
  const at = performance.now();
  const counts = at - begun >= warmUpMs;
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const sent = request({ agent, host: "127.0.0.1", port, method: "POST", path: "/v1/chat", headers }, (res) => {
    if (counts) {
      took.push(performance.now() - at);
      if (res.statusCode !== 200) failed += 1;
      if (res.headers["x-cache"] === "hit") hits += 1;
    }
    res.resume().on("end", done);
  });
  sent.on("error", () => {
    failed += 1;
    done();
  });
  sent.end(body);
}
