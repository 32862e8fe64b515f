import type { ClientRequest, ClientUser, ResponseHead } from "./client-request";
import { httpDate } from "./http-date";
import type { Inlet } from "./inlet";
import { JOINED_BYTES } from "./joined";
import { headOfRefusal, isUntrusted, type Refusal } from "./refusal";
import type { ClientHead, Scheme } from "./request-head";
import { lastChunk, type Trailers } from "./trailers";

/** The connection of a request, as far as a request needs it. */
export interface Wire {
  readonly peer: string | undefined;
  readonly scheme: Scheme;
  /** Goes out at once. False: it is full; `onClientRoom` tells when it has room again. */
  write(data: Buffer | string): boolean;
  /** Nothing follows it, so that it may wait for what others have to send in the same moment. */
  writeLast(data: Buffer | string): void;
  /** The request's body is wanted from now on. */
  bodyWanted(): void;
  /** Its response has been written to the end. */
  ended(request: Http1Request): void;
  /** Its response cannot be completed: the client must see that. */
  cut(request: Http1Request): void;
  /** Gives the socket away: from here on nobody here reads it, ends it or hears its errors. */
  switch(): Inlet;
}

/** What an answer that is not yet on turn may hold back, in bytes, before its replica has to wait. */
const HELD_BYTES = 64 * 1024;

/** A request by HTTP/1.1. Responses go out in the order of the requests: one that is not on turn is held, until `onTurn`. */
export class Http1Request implements ClientRequest {
  user: ClientUser | null = null;
  /** Whether the body is to be read, and not to be left with the client. */
  wantsBody = false;
  bodyComplete: boolean;
  trailers: Trailers = null;
  keepAlive: boolean;
  begun = false;
  over = false;
  /** The response breaks off here. */
  broken = false;
  gone = false;
  private held: (Buffer | string)[] | null;
  private heldBytes = 0;
  /** The head, until something goes with it. */
  private unsent = "";
  private chunked = false;
  private continued = false;

  constructor(
    readonly head: ClientHead,
    private readonly wire: Wire,
    onTurn: boolean,
  ) {
    this.bodyComplete = head.body.framing === "none";
    this.keepAlive = head.keepAlive;
    this.held = onTurn ? null : [];
  }

  get peer(): string | undefined {
    return this.wire.peer;
  }

  get scheme(): Scheme {
    return this.wire.scheme;
  }

  get protocol(): ClientRequest["protocol"] {
    return this.head.minor === 0 ? "HTTP/1.0" : "HTTP/1.1";
  }

  get takesChunks(): boolean {
    return this.chunked;
  }

  wantBody(wants: boolean): void {
    this.wantsBody = wants;
    if (wants && !this.bodyComplete) this.wire.bodyWanted();
  }

  writeContinue(): void {
    if (this.head.kind !== "expectsContinue" || this.continued) return;
    this.continued = true;
    this.send("HTTP/1.1 100 Continue\r\n\r\n");
  }

  hint(fields: string): void {
    // HTTP/1.0 knows one response only.
    if (this.head.minor === 1) this.send("HTTP/1.1 103 Early Hints\r\n" + fields + "\r\n");
  }

  begin({ status, reason, fields, dated, framing }: ResponseHead): void {
    this.begun = true;
    let text = "HTTP/1.1 " + status + " " + reason + "\r\n" + fields;
    if (!dated) text += httpDate();
    if (framing === "chunked" || framing === "close") {
      this.chunked = this.head.minor === 1;
      if (this.chunked) text += "transfer-encoding: chunked\r\n";
      // HTTP/1.0 knows the end of such a body by that of the connection only.
      else this.keepAlive = false;
    }
    if (!this.keepAlive) text += "connection: close\r\n";
    else if (this.head.minor === 0) text += "connection: keep-alive\r\n";
    this.unsent = text + "\r\n";
  }

  flush(): void {
    if (this.unsent !== "") this.send(this.takeUnsent());
  }

  write(chunk: Buffer): boolean {
    if (chunk.length === 0) return true;
    const before = this.chunked ? this.takeUnsent() + chunk.length.toString(16) + "\r\n" : this.takeUnsent();
    return this.send(framed(before, chunk, this.chunked ? "\r\n" : ""));
  }

  writeChunks(chunks: Buffer): boolean {
    return this.send(framed(this.takeUnsent(), chunks, ""));
  }

  end(last: Buffer | null, trailers: Trailers): void {
    this.over = true;
    const before = this.takeUnsent();
    const after = this.chunked ? lastChunk(trailers) : "";
    if (last === null || last.length === 0) {
      if (before !== "" || after !== "") this.sendLast(before + after);
    } else if (this.chunked) {
      this.sendLast(framed(before + last.length.toString(16) + "\r\n", last, "\r\n" + after));
    } else {
      this.sendLast(framed(before, last, after));
    }
    this.wire.ended(this);
  }

  refuse(refusal: Refusal): void {
    if (isUntrusted(refusal) || !this.bodyComplete) this.keepAlive = false;
    const text = Buffer.from(`${refusal.sentence}\n`);
    this.begin(headOfRefusal(refusal, text.length));
    this.end(this.head.method === "HEAD" ? null : text, null);
  }

  truncate(): void {
    this.over = true;
    this.broken = true;
    this.wire.cut(this);
  }

  switch(): Inlet {
    this.over = true;
    return this.wire.switch();
  }

  /** All before it have been answered. */
  onTurn(): void {
    const held = this.held;
    this.held = null;
    let room = true;
    for (const data of held ?? []) room = this.wire.write(data);
    if (room && this.heldBytes >= HELD_BYTES) this.user?.onClientRoom();
  }

  private takeUnsent(): string {
    const text = this.unsent;
    this.unsent = "";
    return text;
  }

  private send(data: Buffer | string): boolean {
    return this.held === null ? this.wire.write(data) : this.hold(data, this.held);
  }

  private sendLast(data: Buffer | string): void {
    if (this.held === null) this.wire.writeLast(data);
    else this.hold(data, this.held);
  }

  private hold(data: Buffer | string, held: (Buffer | string)[]): boolean {
    held.push(data);
    this.heldBytes += data.length;
    return this.heldBytes < HELD_BYTES;
  }
}

/** A copy, as the piece is read into again. */
function framed(before: string, piece: Buffer, after: string): Buffer | string {
  if (piece.length <= JOINED_BYTES) return before + piece.toString("latin1") + after;
  const whole = Buffer.allocUnsafe(before.length + piece.length + after.length);
  whole.write(before, 0, "latin1");
  whole.set(piece, before.length);
  whole.write(after, before.length + piece.length, "latin1");
  return whole;
}
