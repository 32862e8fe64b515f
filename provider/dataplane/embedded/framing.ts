import { chunkSize, CHUNK_LINE_BYTES, wholeChunks } from "./chunks";
import type { ResponseFraming } from "./client-request";
import { fieldKind, FieldKind, fieldValue } from "./fields";
import { MAX_TRAILER_BYTES, trailerKind, withTrailer, type Trailers } from "./trailers";

/**
 * What the parser tells; `onEnd` is always its last word on a response, with the last piece of the body if there is one.
 * Chunks are views of the read buffer: whoever keeps one beyond the call copies it.
 */
export interface ResponseSink {
  /** What the response is likely to have: names and values in turn. The response itself is still to come. */
  onHints(fields: readonly string[]): void;
  /** `framing`: how the end of the body is told. */
  onHead(status: number, reason: string, headers: string[], framing: ResponseFraming): void;
  onBody(chunk: Buffer): void;
  /** Whole chunks as they came, with their framing, to a sink that says it takes them. */
  readonly takesChunks?: boolean;
  onChunks?(chunks: Buffer): void;
  onEnd(chunk: Buffer | null, trailers: Trailers): void;
  /** The replica speaks WebSocket from here on, as it was asked to; `rest` is what it has said already. Nothing else follows. */
  onSwitch(headers: string[], rest: Buffer): void;
}

/** The replica said something that is not HTTP/1.1 as we insist on it; the connection must not be used any further. */
export class FramingError extends Error {}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_FIELDS = 256;
const MAX_INTERIM_RESPONSES = 16;
const EARLY_HINTS = 103;
const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");

/** Control characters, and CR or LF that is not part of a CRLF: each a way to smuggle a second message. */
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/;

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
          const end = data.indexOf(HEAD_END, at);
          if ((end === -1 ? data.length : end) - at > MAX_HEAD_BYTES) throw new FramingError("its header is too large");
          if (end === -1) {
            this.rest = Buffer.from(data.subarray(at));
            return;
          }
          const head = data.toString("latin1", at, end);
          at = end + 4;
          if (!this.parseHead(head, data, at)) return;
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

  /** False: this response is over (the sink may have begun the next one by now) or the sink has gone. */
  private parseHead(head: string, data: Buffer, after: number): boolean {
    const more = after < data.length;
    if (FORBIDDEN.test(head)) throw new FramingError("its header has control characters");
    let end = head.indexOf("\r\n");
    if (end === -1) end = head.length;
    const status = STATUS_LINE.exec(head.slice(0, end));
    if (status === null) throw new FramingError("its first line is not a status line");
    const code = Number(status[2]);

    const headers: string[] = [];
    let length: number | null = null;
    let chunked = false;
    let close = status[1] === "0";
    let connection: string[] | null = null;
    let upgrade: string | null = null;
    this.keepAliveSeconds = null;
    for (let at = end + 2, fields = 0; at < head.length; fields += 1) {
      if (fields === MAX_FIELDS) throw new FramingError("its header has too many fields");
      end = head.indexOf("\r\n", at);
      if (end === -1) end = head.length;
      const colon = head.indexOf(":", at);
      if (colon === -1 || colon >= end) throw new FramingError("a header line has no colon");
      const name = head.slice(at, colon);
      const value = fieldValue(head, colon + 1, end);
      at = end + 2;
      switch (fieldKind(name)) {
        case FieldKind.Invalid:
          throw new FramingError("a header field has no proper name");
        case FieldKind.ContentLength:
          if (length !== null) throw new FramingError("it sent Content-Length twice");
          if (!/^\d{1,15}$/.test(value)) throw new FramingError("its Content-Length is not a number");
          length = Number(value);
          headers.push(name, value);
          break;
        case FieldKind.TransferEncoding:
          if (chunked || value.toLowerCase() !== "chunked" || status[1] === "0")
            throw new FramingError("its Transfer-Encoding is not just chunked");
          chunked = true;
          break;
        case FieldKind.Connection:
          for (const token of value.toLowerCase().split(",")) (connection ??= []).push(token.trim());
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
          headers.push(name, value);
      }
    }
    if (length !== null && chunked) throw new FramingError("it sent both Content-Length and Transfer-Encoding");
    if (code === 101) {
      if (!this.maySwitch) throw new FramingError("it switched protocols, which nobody asked for");
      const toWebSocket = upgrade === "websocket" && connection?.includes("upgrade") === true;
      if (!toWebSocket || length !== null || chunked)
        throw new FramingError("it switched to something else than asked");
      removeNamed(headers, connection!);
      return this.switched(headers, data.subarray(after));
    }
    if (connection !== null) removeNamed(headers, connection);
    if (code < 200) return this.interimResponse(code, length === null && !chunked ? headers : null);
    if (connection !== null) {
      if (connection.includes("close")) close = true;
      else if (connection.includes("keep-alive")) close = false;
    }

    const sink = this.sink!;
    this.interim = 0;
    const bodiless = this.headOnly || code === 204 || code === 304 || length === 0;
    this.keepAlive = !close && (bodiless || chunked || length !== null);
    this.state = bodiless ? "idle" : chunked ? "chunkSize" : length !== null ? "length" : "close";
    this.remaining = length ?? 0;
    sink.onHead(
      code,
      status[3] ?? "",
      headers,
      bodiless ? "none" : this.state === "close" ? "close" : chunked ? "chunked" : "length",
    );
    if (this.sink !== sink) return false;
    if (!bodiless) return true;
    if (more) this.keepAlive = false;
    this.finish(null);
    return false;
  }

  private switched(headers: string[], rest: Buffer): false {
    const sink = this.sink!;
    this.abandon();
    sink.onSwitch(headers, rest);
    return false;
  }

  /**
   * Hints go on; any other is between the replica and us. `fields`: null if it tells of a body, which it cannot have: another
   * parser might wait for that.
   */
  private interimResponse(code: number, fields: readonly string[] | null): boolean {
    this.interim += 1;
    if (this.interim > MAX_INTERIM_RESPONSES) throw new FramingError("it sends interim responses without end");
    if (code === EARLY_HINTS && fields !== null) this.sink!.onHints(fields);
    return true;
  }
}

/** Fields that Connection names are for us alone, but framing cannot be named away. */
function removeNamed(headers: string[], names: string[]): void {
  for (let at = headers.length - 2; at >= 0; at -= 2) {
    const name = headers[at]!.toLowerCase();
    if (name !== "content-length" && names.includes(name)) headers.splice(at, 2);
  }
}
