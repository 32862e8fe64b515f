import { connect, type Socket } from "node:net";
import { readRoomNote, type RoomNote } from "../room-note";
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
  /** Null: no access log is asked for, or an older package started this HAProxy. */
  access: AccessPart | null;
}

/** What is told only for the access log. */
export interface AccessPart {
  /** Milliseconds since 1970. */
  endedAt: number;
  client: string;
  /** Null, as path and protocol are: it was no request. */
  method: string | null;
  protocol: string | null;
  path: string | null;
  bytes: number;
  queueMs: number;
  retries: number;
  /** What the waiting room says, if it answered. */
  room: RoomNote | null;
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

/** The format of a line, for `parseLine`. The path comes last: a line that is too long is cut there. */
export function logFormat(withAccess: boolean): string {
  const format = "%b %s %ST %ts %TR %Tw %Tc %Tr %Ta %rc %[var(txn.pool)]";
  return withAccess ? `${format} %[date(0,ms)] %ci %HM %HV %B %[var(txn.room)] %[var(txn.path)]` : format;
}

const FIELDS = 11;
const ACCESS_FIELDS = 7;

/** Null for a line that was cut. */
export function parseLine(text: string): LogLine | null {
  const fields = text.trim().split(" ");
  const withAccess = fields.length >= FIELDS + ACCESS_FIELDS;
  if (fields.length !== FIELDS && !withAccess) return null;
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
    access: withAccess ? accessPart(fields.slice(FIELDS), { queueMs: Number(queue), retries: Number(retries) }) : null,
  };
}

function accessPart(
  [endedAt, client, method, protocol, bytes, room, ...path]: string[],
  counted: { queueMs: number; retries: number },
): AccessPart {
  const readable = method !== "<BADREQ>";
  return {
    endedAt: Number(endedAt),
    client: client!,
    method: readable ? method! : null,
    protocol: readable ? protocol!.replace(/^HTTP\/2\.0$/, "HTTP/2") : null,
    path: path[0]!.startsWith("/") ? path.join(" ") : null,
    bytes: Number(bytes),
    queueMs: Math.max(0, counted.queueMs),
    retries: Math.max(0, counted.retries),
    room: room === "-" ? null : readRoomNote(room!),
  };
}
