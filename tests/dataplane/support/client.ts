import { type Agent, request, type IncomingHttpHeaders } from "node:http";
import { request as requestByTls } from "node:https";
import { connect, type Socket } from "node:net";
import { connect as connectByTls, type ConnectionOptions } from "node:tls";

/** How a client speaks TLS: whom it trusts, mostly. */
export type Tls = Pick<ConnectionOptions, "ca" | "maxVersion" | "ciphers">;

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: string;
}

export interface Ask {
  method?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: Buffer | string;
  agent?: Agent;
  /** Absent: in clear. */
  tls?: Tls;
}

/** One request, judged: a broken connection or a truncated body rejects. */
export function ask(port: number, { method, path, headers, body, agent, tls }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = (tls === undefined ? request : requestByTls)(
      {
        ...tls,
        host: "127.0.0.1",
        port,
        method: method ?? (body === undefined ? "GET" : "POST"),
        path: path ?? "/",
        headers: body === undefined ? headers : { "content-length": Buffer.byteLength(body), ...headers },
        agent: agent ?? false,
      },
      (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => chunks.push(chunk));
        res.on("error", reject);
        res.on("end", () =>
          resolve({
            status: res.statusCode!,
            headers: res.headers,
            rawHeaders: res.rawHeaders,
            body: Buffer.concat(chunks).toString("latin1"),
          }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** A connection that speaks bytes. */
export class RawClient {
  received = "";
  closed = false;
  readonly socket: Socket;

  constructor(port: number, tls?: Tls) {
    this.socket = tls === undefined ? connect(port, "127.0.0.1") : connectByTls({ ...tls, port, host: "127.0.0.1" });
    this.socket.on("data", (chunk) => (this.received += chunk.toString("latin1")));
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => (this.closed = true));
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  close(): void {
    this.socket.destroy();
  }
}
