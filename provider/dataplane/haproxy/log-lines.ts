import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";

/** What HAProxy tells of a request when it is over. Times in milliseconds; null: it did not come to that. */
export interface LogLine {
  worker: number;
  backend: string;
  server: string;
  status: number;
  /** Who ended it: "-" nobody before its time, "C" and "c" the client, any other HAProxy or the replica. */
  endedBy: string;
  /** Where it was then: "D" in the response's body. */
  phase: string;
  timeToFirstByte: number | null;
  latency: number;
  retried: boolean;
  /** The pool's place among those of the worker; null: it was refused before one was found. */
  pool: number | null;
}

const LONGEST_LINE = 4096;

/** Takes the lines of all HAProxy processes on a unix socket. They keep some of them while nobody listens. */
export class LogReader {
  private readonly server: Server;
  private readonly open = new Set<Socket>();

  constructor(private readonly onLine: (line: LogLine) => void) {
    this.server = createServer((socket) => this.read(socket));
  }

  async listen(path: string): Promise<void> {
    rmSync(path, { force: true });
    const mask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.server.once("error", reject);
        this.server.listen(path, resolve);
      });
    } finally {
      process.umask(mask);
    }
  }

  close(): void {
    this.server.close();
    for (const socket of this.open) socket.destroy();
  }

  private read(socket: Socket): void {
    this.open.add(socket);
    let pending = "";
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      const lines = (pending + text).split("\n");
      pending = lines.pop()!.slice(0, LONGEST_LINE);
      for (const text of lines) {
        const line = parseLine(text);
        if (line !== null) this.onLine(line);
      }
    });
    // `close` always follows.
    socket.on("error", () => undefined);
    socket.on("close", () => this.open.delete(socket));
  }
}

/** Null for a line that was cut. */
export function parseLine(text: string): LogLine | null {
  const fields = text.trim().split(" ");
  if (fields.length !== 12) return null;
  const [worker, backend, server, status, ended, request, queue, connect, response, active, retries, pool] = fields;
  const requestTime = Math.max(0, Number(request));
  const answered = Number(response) >= 0;
  return {
    worker: Number(worker),
    backend: backend!,
    server: server!,
    status: Number(status),
    endedBy: ended![0] ?? "-",
    phase: ended![1] ?? "-",
    timeToFirstByte: answered ? Number(queue) + Number(connect) + Number(response) : null,
    latency: Math.max(0, Number(active) - requestTime),
    retried: retries !== "0",
    pool: pool === "-" ? null : Number(pool!.slice(1)),
  };
}
