import { Agent, type IncomingMessage, request } from "node:http";
import { createConnection } from "node:net";

import type { Outcome, Reconnect, RequestRecord } from "./record";

export interface ClientOptions {
  url: string;
  client: number;
  kind: RequestRecord["kind"];
  token: string | undefined;
  pauseMs: number;
  /** A request without an answer for this long has failed. */
  patienceMs: number;
}

/** After a failure: enough for the endpoint to come back without a thousand failures a second, too short to hide one. */
const PAUSE_AFTER_TROUBLE_MS = 20;

/**
 * One caller on one keep-alive connection, one request after the other, until `stop`. Nothing is ever sent twice: what
 * goes wrong is recorded, and so is each connection after the first.
 */
export class LoadClient {
  readonly records: RequestRecord[] = [];
  readonly reconnects: Reconnect[] = [];
  readonly kind: RequestRecord["kind"];
  readonly #options: ClientOptions;
  readonly #agent: Agent;
  #connections = 0;
  #stopped = false;
  /** The replica whose response is running now; null between requests and before a head. */
  answering: string | null = null;
  #finished: Promise<void> = Promise.resolve();

  constructor(options: ClientOptions) {
    this.#options = options;
    this.kind = options.kind;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 });
    this.#agent.createConnection = (target, callback) => {
      if (++this.#connections > 1) this.reconnects.push({ client: options.client, at: Date.now() });
      const { host, port } = target as { host: string; port: number };
      return createConnection({ host, port: Number(port), noDelay: true }, callback as () => void);
    };
  }

  start(): void {
    this.#finished = this.#run();
  }

  /** Lets the running request come to its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#finished;
    this.#agent.destroy();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const record = await this.#ask();
      this.records.push(record);
      const pauseMs = record.outcome.kind === "ok" ? this.#options.pauseMs : PAUSE_AFTER_TROUBLE_MS;
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async #ask(): Promise<RequestRecord> {
    const { client, kind } = this.#options;
    const start = Date.now();
    const record = (head: IncomingMessage | null, outcome: Outcome): RequestRecord => ({
      kind,
      client,
      start,
      end: Date.now(),
      status: head?.statusCode ?? null,
      replica: headerOf(head, "x-replica"),
      model: headerOf(head, "x-model"),
      outcome,
    });
    let head: IncomingMessage;
    try {
      head = await this.#send();
    } catch (error) {
      return record(null, { kind: "failed", detail: (error as Error).message });
    }
    this.answering = headerOf(head, "x-replica");
    try {
      return record(head, await judge(head, kind));
    } catch (error) {
      return record(head, { kind: "cut", detail: (error as Error).message });
    } finally {
      this.answering = null;
    }
  }

  #send(): Promise<IncomingMessage> {
    const { url, kind, token, patienceMs } = this.#options;
    const body = JSON.stringify({ prompt: "Say hello." });
    const headers: Record<string, string> = {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
    };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    const path = new URL(kind === "unary" ? "generate" : "stream", `${url}/`);
    return new Promise((resolve, reject) => {
      const sent = request(path, { agent: this.#agent, method: "POST", timeout: patienceMs, headers }, resolve);
      sent.once("timeout", () => sent.destroy(new Error(`nothing came for ${patienceMs} ms`)));
      // After the head this rejects nothing any more: the response's own end tells how it went.
      sent.on("error", reject);
      sent.end(body);
    });
  }
}

/** Rejects when the body broke off; a whole body must also be the right one. */
async function judge(response: IncomingMessage, kind: RequestRecord["kind"]): Promise<Outcome> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  // `complete` is false when the connection closed before the length or the last chunk that the head promised.
  if (!response.complete) return { kind: "cut", detail: "the body ended before its announced end" };
  const text = Buffer.concat(chunks).toString();
  if (response.statusCode !== 200) return { kind: "failed", detail: `${response.statusCode}: ${text.slice(0, 200)}` };
  const right = kind === "unary" ? /"text":"Hello\."/.test(text) : text.endsWith("data: [DONE]\n\n");
  if (right) return { kind: "ok" };
  // A stream that ends properly but too early has lost its tail somewhere: that is a cut, however polite.
  return { kind: kind === "stream" ? "cut" : "failed", detail: `unexpected end of body: ${text.slice(-100)}` };
}

function headerOf(head: IncomingMessage | null, name: string): string | null {
  const value = head?.headers[name];
  return typeof value === "string" ? value : null;
}
