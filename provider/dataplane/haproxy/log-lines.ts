import { connect, type Socket } from "node:net";
import { LOG } from "./names";

/** What HAProxy tells of a request when it is over. Times in milliseconds; null: it did not come to that. */
export interface LogLine {
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
const AGAIN_AFTER_MS = 200;

/**
 * Follows the log of one HAProxy process over its Runtime API. It holds some thousands of lines for us should we be busy;
 * while nobody follows it, nothing is counted.
 */
export class LogReader {
  private socket: Socket | null = null;
  private again: NodeJS.Timeout | null = null;
  private closed = false;

  constructor(
    private readonly runtime: string,
    private readonly onLine: (line: LogLine) => void,
    from: "start" | "now",
  ) {
    this.read(from);
  }

  close(): void {
    this.closed = true;
    if (this.again !== null) clearTimeout(this.again);
    this.socket?.destroy();
  }

  private read(from: "start" | "now"): void {
    const socket = connect(this.runtime, () => socket.write(`show events ${LOG} -w${from === "now" ? "n" : ""}\n`));
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
    socket.on("close", () => {
      if (!this.closed) this.again = setTimeout(() => this.read("now"), AGAIN_AFTER_MS);
    });
    this.socket = socket;
  }
}

/** Null for a line that was cut. */
export function parseLine(text: string): LogLine | null {
  const fields = text.trim().split(" ");
  if (fields.length !== 11) return null;
  const [backend, server, status, ended, request, queue, connect, response, active, retries, pool] = fields;
  const requestTime = Math.max(0, Number(request));
  const answered = Number(response) >= 0;
  return {
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
