import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";

/**
 * `clients <port> <clients> <token>`: requests over TLS until stdin ends, and to their end. Of twenty, one is a stream, one a
 * stream that the client leaves in the middle, one is given up before its answer, and one comes on a connection of its own.
 * Says `{requests, failed, streams, streamsCut, aborted}` as JSON.
 */
const [port, clients] = process.argv.slice(2, 4).map(Number) as [number, number];
const token = process.argv[4]!;
const agent = new Agent({ keepAlive: true, maxSockets: clients });
const body = JSON.stringify({ messages: [{ role: "user", content: "x".repeat(1000) }] });
const counted = { requests: 0, failed: 0, streams: 0, streamsCut: 0, aborted: 0 };
let over = false;

type Kind = "plain" | "alone" | "stream" | "left" | "aborted";

process.stdin.resume().on("end", () => (over = true));
void Promise.all(Array.from({ length: clients }, (_, client) => work(client))).then(() => {
  process.stdout.write(`${JSON.stringify(counted)}\n`, () => process.exit());
});

async function work(client: number): Promise<void> {
  for (let turn = client; !over; turn += 1) await send(kindOf(turn % 20), `session-${(client * 31 + turn) % 200}`);
}

function kindOf(turn: number): Kind {
  const kinds: Kind[] = ["stream", "left", "aborted", "alone"];
  return kinds[turn] ?? "plain";
}

function send(kind: Kind, session: string): Promise<void> {
  return new Promise((resolve) => {
    let over = false;
    const ended = (how: "well" | "failed" | "cut" | "aborted"): void => {
      if (over) return;
      over = true;
      if (how === "failed") counted.failed += 1;
      if (how === "cut") counted.streamsCut += 1;
      if (how === "aborted") counted.aborted += 1;
      resolve();
    };
    const streams = kind === "stream" || kind === "left";
    counted.requests += 1;
    if (streams) counted.streams += 1;
    const sent = request(
      {
        host: "127.0.0.1",
        port,
        rejectUnauthorized: false,
        agent: kind === "alone" ? false : agent,
        method: streams ? "GET" : "POST",
        path: streams ? "/events" : "/v1/chat",
        headers: { authorization: `Bearer ${token}`, "x-session": session },
      },
      (res: IncomingMessage) => {
        if (res.statusCode !== 200) ended("failed");
        if (kind === "left") {
          res.once("data", () => {
            ended("aborted");
            sent.destroy();
          });
        }
        // What has begun cannot be moved when its replica is killed.
        res.on("error", () => ended("cut"));
        res.on("end", () => ended("well"));
        res.resume();
      },
    );
    sent.on("error", () => ended(kind === "aborted" ? "aborted" : "failed"));
    if (kind === "aborted") setTimeout(() => sent.destroy(new Error("given up")), 1);
    sent.end(streams ? undefined : body);
  });
}
