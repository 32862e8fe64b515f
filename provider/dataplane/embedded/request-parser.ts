import { chunkSize, CHUNK_LINE_BYTES } from "./chunks";
import { FieldKind } from "./fields";
import { parseRequestHead, type ClientHead } from "./request-head";
import type { Refusal } from "./refusal";
import { MAX_TRAILER_BYTES, trailerKind, withTrailer, type Trailers } from "./trailers";

/** What the parser tells, and whom it asks how far it may read. Pieces of a body are views of what was read: whoever keeps one copies it. */
export interface RequestSink {
  /** False: what comes next has to wait. */
  readonly takesRequest: boolean;
  readonly takesBody: boolean;
  /** `more`: something follows the head at once. A body without bytes has come to its end with it. */
  onRequest(head: ClientHead, more: boolean): void;
  onBody(chunk: Buffer): void;
  onBodyEnd(trailers: Trailers): void;
  /** Nothing after it is read: where the next request would begin is not known. */
  onRefused(refusal: Refusal): void;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
/** What extensions of all chunks of one body may take, in bytes: they are thrown away, so that many are an attack. */
const MAX_EXTENSION_BYTES = 16 * 1024;

type State = "head" | "length" | "chunkSize" | "chunkData" | "chunkEnd" | "trailer" | "over";

/** Strict parser of what a client sends on one connection. It keeps no bytes: whoever feeds it keeps what it left. */
export class RequestParser {
  private state: State = "head";
  private remaining = 0;
  private extensionBytes = 0;
  private trailerBytes = 0;
  private trailers: string[] | null = null;
  /** Of what was left: how far the end of the head has been looked for. */
  private searched = 0;

  constructor(
    private readonly sink: RequestSink,
    private readonly maxHeaderBytes: () => number,
  ) {}

  private get awaitsRequest(): boolean {
    return this.state === "head";
  }

  /** Ignores all that comes from now on. */
  stop(): void {
    this.state = "over";
  }

  /** How many of the bytes it has worked off; the rest is to be given again, with more or when the sink takes it. */
  execute(data: Buffer): number {
    let at = 0;
    while (at < data.length) {
      switch (this.state) {
        case "over":
          return data.length;
        case "head": {
          // Old clients end a body with an empty line that they do not count.
          while (data[at] === 13 && data[at + 1] === 10) at += 2;
          if (at === data.length || !this.sink.takesRequest) return at;
          const next = this.readHead(data, at);
          if (next === -1) return at;
          at = next;
          break;
        }
        case "length":
        case "chunkData": {
          if (!this.sink.takesBody) return at;
          const to = Math.min(data.length, at + this.remaining);
          const piece = at === 0 && to === data.length ? data : data.subarray(at, to);
          at = to;
          this.remaining -= piece.length;
          const last = this.remaining === 0;
          const ends = last && this.state === "length";
          if (last) this.state = ends ? "head" : "chunkEnd";
          this.sink.onBody(piece);
          // Unless that piece was one too many.
          if (ends && this.awaitsRequest) this.sink.onBodyEnd(null);
          break;
        }
        case "chunkSize": {
          const end = this.lineEnd(data, at, CHUNK_LINE_BYTES);
          if (end === -1) return at;
          const line = data.toString("latin1", at, end);
          const size = chunkSize(line);
          this.extensionBytes += line.length;
          if (size === null) return this.refuse(400, "A chunk of the body has no proper size.", data);
          if (line.includes(";") && this.extensionBytes > MAX_EXTENSION_BYTES)
            return this.refuse(413, "The extensions of the body's chunks are too long.", data);
          at = end + 2;
          this.remaining = size;
          this.state = size === 0 ? "trailer" : "chunkData";
          break;
        }
        case "chunkEnd":
          if (data.length - at < 2) return at;
          if (data[at] !== 13 || data[at + 1] !== 10)
            return this.refuse(400, "A chunk of the body does not end where it said.", data);
          at += 2;
          this.state = "chunkSize";
          break;
        case "trailer": {
          // The end of a body is told only to who takes it: nothing may come after it.
          if (!this.sink.takesBody) return at;
          const end = this.lineEnd(data, at, MAX_TRAILER_BYTES - this.trailerBytes);
          if (end === -1) return at;
          this.trailerBytes += end - at;
          const empty = end === at;
          if (!empty && !this.takeTrailer(data.toString("latin1", at, end)))
            return this.refuse(400, "A trailer of the body is no proper header.", data);
          at = end + 2;
          if (!empty) break;
          this.state = "head";
          this.sink.onBodyEnd(this.trailers);
          break;
        }
      }
    }
    return at;
  }

  /** Where the next thing begins; -1: the head is not whole yet. */
  private readHead(data: Buffer, from: number): number {
    // One that came in pieces is read when it is whole, and not again with each of them.
    const seen = this.searched > 0 && data.indexOf(HEAD_END, Math.max(from, this.searched - 3)) === -1;
    const head = seen ? null : parseRequestHead(data, from);
    const size = head === null ? data.length - from : "status" in head ? 0 : head.bytes - HEAD_END.length;
    if (size > this.maxHeaderBytes())
      return this.refuse(
        431,
        `The request's header is larger than ${this.maxHeaderBytes()} bytes (balancer.maxHeaderBytes).`,
        data,
      );
    if (head === null) {
      this.searched = data.length - from;
      return -1;
    }
    this.searched = 0;
    if ("status" in head) return this.refuse(head.status, head.sentence, data);
    const at = from + head.bytes;
    switch (head.body.framing) {
      case "none":
        this.state = "head";
        break;
      case "length":
        this.state = "length";
        this.remaining = head.body.length;
        break;
      case "chunked":
        this.state = "chunkSize";
        this.extensionBytes = 0;
        this.trailerBytes = 0;
        this.trailers = null;
        break;
    }
    this.sink.onRequest(head, at < data.length);
    return at;
  }

  /** False: another parser would not take it for a trailer. A token is for us, in the head or nowhere. */
  private takeTrailer(line: string): boolean {
    const colon = line.indexOf(":");
    const kind = trailerKind(line, colon);
    this.trailers = withTrailer(this.trailers, line, colon, kind);
    return kind === FieldKind.EndToEnd || kind === FieldKind.Authorization;
  }

  private lineEnd(data: Buffer, at: number, most: number): number {
    const end = data.indexOf(LINE_END, at);
    if ((end === -1 ? data.length : end) - at <= most) return end;
    this.refuse(400, "A line of the body's framing is too long.", data);
    return -1;
  }

  private refuse(status: Refusal["status"], sentence: string, data: Buffer): number {
    this.state = "over";
    this.sink.onRefused({ status, sentence });
    return data.length;
  }
}
