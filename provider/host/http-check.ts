import { validateHeaderName, validateHeaderValue } from "node:http";
import { connect, type Socket } from "node:net";

export interface Address {
  host: string;
  port: number;
}

export interface HttpCheck {
  address: Address;
  method: "GET" | "POST";
  path: string;
  headers?: Record<string, string> | undefined;
  /** Of a POST. */
  body?: string | undefined;
}

const ERRORS: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection closed before an answer",
  EPIPE: "connection closed before an answer",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
};

/** A head without an end is no answer. */
const MAX_HEAD = 16 * 1024;

/**
 * Asks once. Null: ready, which is a 2xx status; else why not, in a few words. Every check has a connection of its own, so
 * that one that hangs, or a keep-alive that ends, says something about this check only. Written on a bare socket: at rest
 * checks are most of what agent and balancer do, and Node's own client takes more than twice as long for one.
 *
 * @param request as `requestOf` makes it
 * @returns ends the check and its connection; nothing is told then
 */
export function checkOnce(
  address: Address,
  request: Buffer,
  timeoutSeconds: number,
  done: (failure: string | null) => void,
): () => void {
  // Null: it has been told.
  let answer: string | null = "";
  const connection = new Connection(address, timeoutSeconds, done, {
    connected: (socket) => socket.write(request),
    read: (chunk) => {
      // What comes after the status is read and dropped, so that the server sees no broken pipe.
      if (answer === null) return;
      answer += chunk.toString("latin1");
      const status = finalStatus(answer);
      if (status === null && answer.length < MAX_HEAD) return;
      answer = null;
      if (typeof status === "number") return connection.tell(status >= 200 && status < 300 ? null : `status ${status}`);
      connection.tell("the answer is not HTTP");
      connection.end();
    },
  });
  return () => connection.end();
}

/** Null: it takes connections. */
export function connectOnce(
  address: Address,
  timeoutSeconds: number,
  done: (failure: string | null) => void,
): () => void {
  const connection = new Connection(address, timeoutSeconds, done, {
    connected: () => {
      connection.tell(null);
      connection.end();
    },
    read: () => undefined,
  });
  return () => connection.end();
}

interface Use {
  connected(socket: Socket): void;
  /** The chunk is good until this returns. */
  read(chunk: Buffer): void;
}

/** Where all answers are read: each is looked at before the next one comes. */
const READ = Buffer.allocUnsafeSlow(16 * 1024);

/** One connection and the one thing that is told of it. */
class Connection {
  private readonly socket: Socket;
  private readonly deadline: NodeJS.Timeout;
  private told = false;

  constructor(
    { host, port }: Address,
    timeoutSeconds: number,
    private readonly done: (failure: string | null) => void,
    use: Use,
  ) {
    const callback = (length: number): boolean => {
      use.read(READ.subarray(0, length));
      return true;
    };
    // Half open, as the end of an answer ends all: there is nothing left to close in an orderly way.
    const socket = connect({ port, host, allowHalfOpen: true, onread: { buffer: READ, callback } });
    this.socket = socket;
    this.deadline = setTimeout(() => {
      this.tell(`timed out after ${timeoutSeconds} s`);
      this.end();
    }, timeoutSeconds * 1000);
    socket.on("connect", () => use.connected(socket));
    socket.on("end", () => socket.destroy());
    socket.on("error", ({ code = "", message }: NodeJS.ErrnoException) => this.tell(ERRORS[code] ?? (code || message)));
    socket.on("close", () => {
      clearTimeout(this.deadline);
      this.tell("connection closed before an answer");
    });
  }

  /** What is told first counts. */
  tell(failure: string | null): void {
    if (this.told) return;
    this.told = true;
    this.done(failure);
  }

  /** Nothing is told from here on. */
  end(): void {
    this.told = true;
    this.socket.destroy();
  }
}

/**
 * What a check sends, made once for as long as it is the same. Fields are Latin-1, as whoever wrote a value for HTTP means
 * it, and were found to be; all else would be cut to a byte.
 *
 * Throws for a header that HTTP does not allow.
 */
export function requestOf({ address, method, path, headers = {}, body = "" }: HttpCheck): Buffer {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  let fields = "connection: close\r\n";
  if (!Object.keys(headers).some((name) => name.toLowerCase() === "host"))
    fields += `host: ${host}:${address.port}\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    fields += `${name}: ${value}\r\n`;
  }
  const content = Buffer.from(method === "POST" ? body : "");
  if (method === "POST") fields += `content-length: ${content.length}\r\n`;
  return Buffer.concat([
    Buffer.from(`${method} ${path} HTTP/1.1\r\n`),
    Buffer.from(`${fields}\r\n`, "latin1"),
    content,
  ]);
}

/** Null: it has not come yet. An answer of 1xx only says that there will be another one. */
function finalStatus(answer: string): number | "notHttp" | null {
  let begin = 0;
  for (;;) {
    const line = answer.slice(begin, begin + 13);
    if (line.length < 12) return "HTTP/1.".startsWith(line.slice(0, 7)) ? null : "notHttp";
    const status = /^HTTP\/1\.[01] ([1-9]\d\d)(?!\d)/.exec(line)?.[1];
    if (status === undefined) return "notHttp";
    if (!status.startsWith("1")) return Number(status);
    const end = answer.indexOf("\r\n\r\n", begin);
    if (end === -1) return null;
    begin = end + 4;
  }
}
