import { validateHeaderName, validateHeaderValue } from "node:http";
import { connect, type Socket } from "node:net";

export interface HttpCheck {
  address: { host: string; port: number };
  method: "GET" | "POST";
  path: string;
  headers?: Record<string, string> | undefined;
  /** Of a POST. */
  body?: string | undefined;
  timeoutSeconds: number;
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
 * Throws for a header that HTTP does not allow.
 *
 * @returns ends the check and its connection; nothing is told then
 */
export function checkOnce(check: HttpCheck, done: (failure: string | null) => void): () => void {
  const request = requestOf(check);
  // Null: it has been told.
  let answer: string | null = "";
  return onConnection(check.address, check.timeoutSeconds, done, (socket, finish) => {
    socket.write(request);
    socket.on("data", (chunk: Buffer) => {
      // What comes after the status is read and dropped, so that the server sees no broken pipe.
      if (answer === null) return;
      answer += chunk.toString("latin1");
      const status = finalStatus(answer);
      if (status === null && answer.length < MAX_HEAD) return;
      answer = null;
      if (typeof status === "number") return finish(status >= 200 && status < 300 ? null : `status ${status}`);
      finish("the answer is not HTTP");
      socket.destroy();
    });
  });
}

/** Null: it takes connections. */
export function connectOnce(
  address: HttpCheck["address"],
  timeoutSeconds: number,
  done: (failure: string | null) => void,
): () => void {
  return onConnection(address, timeoutSeconds, done, (socket, finish) => {
    finish(null);
    socket.destroy();
  });
}

function onConnection(
  { host, port }: HttpCheck["address"],
  timeoutSeconds: number,
  done: (failure: string | null) => void,
  connected: (socket: Socket, finish: (failure: string | null) => void) => void,
): () => void {
  let isOver = false;
  const finish = (failure: string | null): void => {
    if (isOver) return;
    isOver = true;
    done(failure);
  };
  const socket = connect(port, host);
  const deadline = setTimeout(() => {
    finish(`timed out after ${timeoutSeconds} s`);
    socket.destroy();
  }, timeoutSeconds * 1000);
  socket.on("connect", () => connected(socket, finish));
  socket.on("error", ({ code = "", message }: NodeJS.ErrnoException) => finish(ERRORS[code] ?? (code || message)));
  socket.on("close", () => {
    clearTimeout(deadline);
    finish("connection closed before an answer");
  });
  return () => {
    isOver = true;
    socket.destroy();
  };
}

/** Fields are Latin-1, as whoever wrote a value for HTTP means it, and were found to be; all else would be cut to a byte. */
function requestOf({ address, method, path, headers = {}, body = "" }: HttpCheck): Buffer {
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
