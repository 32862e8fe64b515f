import { chunkSize, CHUNK_LINE_BYTES, wholeChunks } from "./chunks";
import type { ResponseHead } from "./client-request";
import { FieldKind, fieldValue, tokensOf, withoutNamed } from "./fields";
import { FAULT, HeadScan } from "./head-scan";
import { MAX_TRAILER_BYTES, trailerKind, withTrailer, type Trailers } from "./trailers";

/**
 * What the parser tells; `onEnd` is always its last word on a response, with the last piece of the body if there is one.
 * Chunks are views of the read buffer: whoever keeps one beyond the call copies it.
 */
export interface ResponseSink {
  /** What the response is likely to have, in lines. The response itself is still to come. */
  onHints(fields: string): void;
  onHead(head: ResponseHead): void;
  onBody(chunk: Buffer): void;
  /** Whole chunks as they came, with their framing, to a sink that says it takes them. */
  readonly takesChunks?: boolean;
  onChunks?(chunks: Buffer): void;
  onEnd(chunk: Buffer | null, trailers: Trailers): void;
  /** The replica speaks WebSocket from here on, as it was asked to; `rest` is what it has said already. Nothing else follows. */
  onSwitch(fields: string, rest: Buffer): void;
}

/** The replica said something that is not HTTP/1.1 as we insist on it; the connection must not be used any further. */
export class FramingError extends Error {}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_FIELDS = 256;
const MAX_INTERIM_RESPONSES = 16;
const EARLY_HINTS = 103;
const HEAD_END = Buffer.from("\r\n\r\n");
const VERSION = "HTTP/1.";
const STATUS_AT = VERSION.length + 2;
const REASON_AT = STATUS_AT + 4;
const LINE_END = Buffer.from("\r\n");

const scan = new HeadScan();

type State = "idle" | "head" | "length" | "close" | "chunkSize" | "chunkData" | "chunkEnd" | "trailer";

/**
 * Strict parser of a replica's responses. Whatever two parsers could read in two ways is refused: both Content-Length and
 * Transfer-Encoding, a second Content-Length, another coding than chunked, a bare LF, a folded field.
 */
export class ResponseParser {
  /** Whether the connection may carry another request; only meaningful after `onEnd`. */
  keepAlive = false;
  /** From the replica's Keep-Alive field, if it sent one. */
  keepAliveSeconds: number | null = null;
  private state: State = "idle";
  private sink: ResponseSink | null = null;
  private headOnly = false;
  private maySwitch = false;
  private remaining = 0;
  private interim = 0;
  private trailers: string[] | null = null;
  private trailerBytes = 0;
  /** Bytes of an unfinished head or chunk line. */
  private rest: Buffer | null = null;

  get isIdle(): boolean {
    return this.state === "idle";
  }

  /** `maySwitch`: the request asks for a WebSocket. */
  begin(method: string, sink: ResponseSink, maySwitch: boolean): void {
    this.state = "head";
    this.sink = sink;
    this.headOnly = method === "HEAD";
    this.maySwitch = maySwitch;
    this.interim = 0;
    this.trailers = null;
    this.trailerBytes = 0;
    this.rest = null;
  }

  /** Nobody listens any more. */
  abandon(): void {
    this.state = "idle";
    this.sink = null;
  }

  execute(input: Buffer): void {
    let data = input;
    if (this.rest !== null) {
      data = Buffer.concat([this.rest, input]);
      this.rest = null;
    }
    let at = 0;
    while (at < data.length) {
      switch (this.state) {
        case "idle":
          throw new FramingError("it sent bytes that nobody asked for");
        case "head": {
          const end = scan.run(data, at);
          const whole = end >= 0 || data.includes(HEAD_END, at);
          if ((end < 0 ? data.length : end) - at > MAX_HEAD_BYTES) throw new FramingError("its header is too large");
          if (!whole) {
            this.rest = Buffer.from(data.subarray(at));
            return;
          }
          if (end === FAULT.control) throw new FramingError("its header has control characters");
          if (end === FAULT.noName) throw new FramingError("a header line has no proper name");
          if (!this.parseHead(data.toString("latin1", at, end - 2), data, end)) return;
          at = end;
          break;
        }
        case "length": {
          const available = data.length - at;
          if (available >= this.remaining) {
            const last = at === 0 && available === this.remaining ? data : data.subarray(at, at + this.remaining);
            if (available > this.remaining) this.keepAlive = false;
            this.finish(last);
            return;
          }
          this.remaining -= available;
          this.sink!.onBody(at === 0 ? data : data.subarray(at));
          return;
        }
        case "close":
          this.sink!.onBody(at === 0 ? data : data.subarray(at));
          return;
        case "chunkSize": {
          const whole = this.sink!.takesChunks === true ? wholeChunks(data, at) : at;
          if (whole > at) {
            this.sink!.onChunks!(data.subarray(at, whole));
            at = whole;
            if (this.sink === null) return;
            break;
          }
          const end = this.lineEnd(data, at);
          if (end === -1) return;
          const size = chunkSize(data.toString("latin1", at, end));
          if (size === null) throw new FramingError("a chunk has no proper size");
          this.remaining = size;
          at = end + 2;
          this.state = this.remaining === 0 ? "trailer" : "chunkData";
          break;
        }
        case "chunkData": {
          const piece = data.subarray(at, Math.min(data.length, at + this.remaining));
          at += piece.length;
          this.remaining -= piece.length;
          if (this.remaining === 0) this.state = "chunkEnd";
          this.sink!.onBody(piece);
          if (this.sink === null) return;
          break;
        }
        case "chunkEnd":
          if (data.length - at < 2) {
            this.rest = Buffer.from(data.subarray(at));
            return;
          }
          if (data[at] !== 13 || data[at + 1] !== 10) throw new FramingError("a chunk does not end where it said");
          at += 2;
          this.state = "chunkSize";
          break;
        case "trailer": {
          const end = this.lineEnd(data, at);
          if (end === -1) return;
          const empty = end === at;
          if (!empty) this.takeTrailer(data.toString("latin1", at, end));
          at = end + 2;
          if (!empty) break;
          if (at < data.length) this.keepAlive = false;
          this.finish(null);
          return;
        }
      }
    }
  }

  /** The replica closed. True: that was the proper end of the response. */
  closed(): boolean {
    if (this.state !== "close") return false;
    this.finish(null);
    return true;
  }

  /** Resets itself before it tells: the sink may begin the next response from within `onEnd`. */
  private finish(last: Buffer | null): void {
    const { trailers } = this;
    const sink = this.sink!;
    this.abandon();
    sink.onEnd(last, trailers);
  }

  private takeTrailer(line: string): void {
    const colon = line.indexOf(":");
    const kind = trailerKind(line, colon);
    this.trailerBytes += line.length;
    if (kind === FieldKind.Invalid) throw new FramingError("a trailer is no proper header field");
    if (this.trailerBytes > MAX_TRAILER_BYTES) throw new FramingError("its trailers are too large");
    this.trailers = withTrailer(this.trailers, line, colon, kind);
  }

  private lineEnd(data: Buffer, at: number): number {
    const end = data.indexOf(LINE_END, at);
    if ((end === -1 ? data.length : end) - at > CHUNK_LINE_BYTES) throw new FramingError("a chunk line is too long");
    if (end === -1) this.rest = Buffer.from(data.subarray(at));
    return end;
  }

  /** `head`: what was scanned. False: this response is over (the sink may have begun the next one by now) or the sink has gone. */
  private parseHead(head: string, data: Buffer, after: number): boolean {
    const { firstEnd } = scan;
    if (scan.fields > MAX_FIELDS) throw new FramingError("its header has too many fields");
    const minor = head.charCodeAt(VERSION.length) - 48;
    const code = statusOf(head, firstEnd);
    if (!head.startsWith(VERSION) || (minor !== 0 && minor !== 1) || code === null)
      throw new FramingError("its first line is not a status line");

    let fields = "";
    // From here on the lines go on as they are; a run of them is copied at once.
    let run = firstEnd + 2;
    let dated = false;
    let length: number | null = null;
    let chunked = false;
    let close = minor === 0;
    let connection: string | null = null;
    let upgrade: string | null = null;
    this.keepAliveSeconds = null;
    for (let note = 0; note < scan.noted; note += 1) {
      const start = scan.starts[note]!;
      const colon = scan.colons[note]!;
      const to = scan.ends[note]!;
      const value = fieldValue(head, colon + 1, to);
      switch (scan.kinds[note]!) {
        case FieldKind.ContentLength:
          if (length !== null) throw new FramingError("it sent Content-Length twice");
          if (!/^\d{1,15}$/.test(value)) throw new FramingError("its Content-Length is not a number");
          length = Number(value);
          continue;
        case FieldKind.Date:
          dated = true;
          continue;
        case FieldKind.TransferEncoding:
          if (chunked || value.toLowerCase() !== "chunked" || minor === 0)
            throw new FramingError("its Transfer-Encoding is not just chunked");
          chunked = true;
          break;
        case FieldKind.Connection:
          connection = connection === null ? value : `${connection},${value}`;
          break;
        case FieldKind.KeepAlive:
          this.keepAliveSeconds = Number(/timeout=(\d{1,6})/i.exec(value)?.[1] ?? NaN);
          break;
        case FieldKind.Upgrade:
          upgrade = value.toLowerCase();
          break;
        case FieldKind.HopByHop:
          break;
        default:
          continue;
      }
      if (start > run) fields += head.slice(run, start);
      run = to + 2;
    }
    if (run < head.length) fields += head.slice(run);
    if (length !== null && chunked) throw new FramingError("it sent both Content-Length and Transfer-Encoding");
    const names = connection === null || isKeepAlive(connection) ? null : tokensOf(connection);
    if (names !== null) fields = withoutNamed(fields, names);
    if (connection !== null && names === null) close = false;
    if (code === 101) {
      if (!this.maySwitch) throw new FramingError("it switched protocols, which nobody asked for");
      const toWebSocket = upgrade === "websocket" && names?.has("upgrade") === true;
      if (!toWebSocket || length !== null || chunked)
        throw new FramingError("it switched to something else than asked");
      return this.switched(fields, data.subarray(after));
    }
    if (code < 200) return this.interimResponse(code, length === null && !chunked ? fields : null);
    if (names?.has("close") === true) close = true;
    else if (names?.has("keep-alive") === true) close = false;

    const sink = this.sink!;
    this.interim = 0;
    const bodiless = this.headOnly || code === 204 || code === 304 || length === 0;
    this.keepAlive = !close && (bodiless || chunked || length !== null);
    this.state = bodiless ? "idle" : chunked ? "chunkSize" : length !== null ? "length" : "close";
    this.remaining = length ?? 0;
    sink.onHead({
      status: code,
      reason: head.slice(REASON_AT, firstEnd),
      fields,
      dated,
      framing: bodiless ? "none" : this.state === "close" ? "close" : chunked ? "chunked" : "length",
    });
    if (this.sink !== sink) return false;
    if (!bodiless) return true;
    if (after < data.length) this.keepAlive = false;
    this.finish(null);
    return false;
  }

  private switched(fields: string, rest: Buffer): false {
    const sink = this.sink!;
    this.abandon();
    sink.onSwitch(fields, rest);
    return false;
  }

  /**
   * Hints go on; any other is between the replica and us. `fields`: null if it tells of a body, which it cannot have: another
   * parser might wait for that.
   */
  private interimResponse(code: number, fields: string | null): boolean {
    this.interim += 1;
    if (this.interim > MAX_INTERIM_RESPONSES) throw new FramingError("it sends interim responses without end");
    if (code === EARLY_HINTS && fields !== null) this.sink!.onHints(fields);
    return true;
  }
}

/** What most say that say anything: there is nothing to look for. */
function isKeepAlive(connection: string): boolean {
  return connection === "keep-alive" || connection === "Keep-Alive";
}

/** The number in a status line, which ends with it or goes on with a space and the reason; null: there is none. */
function statusOf(head: string, end: number): number | null {
  const hundreds = head.charCodeAt(STATUS_AT) - 48;
  const tens = head.charCodeAt(STATUS_AT + 1) - 48;
  const ones = head.charCodeAt(STATUS_AT + 2) - 48;
  const isNumber = hundreds > 0 && hundreds < 10 && tens >= 0 && tens < 10 && ones >= 0 && ones < 10;
  const SPACE = 32;
  if (!isNumber || head.charCodeAt(STATUS_AT - 1) !== SPACE) return null;
  if (end > STATUS_AT + 3 && head.charCodeAt(STATUS_AT + 3) !== SPACE) return null;
  return hundreds * 100 + tens * 10 + ones;
}
