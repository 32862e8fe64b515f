import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { httpDate } from "./http-date";
import { JOINED_BYTES } from "./joined";
import { isUntrusted, refusalFields, type Refusal } from "./refusal";
import type { ClientHead, Scheme } from "./request-head";

/** Whoever answers a request: gets its body, as far as it wants it, and learns what becomes of the client. */
export interface ClientUser {
  onClientBody(chunk: Buffer): void;
  onClientBodyEnd(): void;
  /** The client takes more of its response. */
  onClientRoom(): void;
  /** It will never have its response. */
  onClientGone(): void;
  /** The rest of the body is not HTTP. */
  onClientRefused(refusal: Refusal): void;
}

/** How the end of a response is told, as the replica told it. */
export type ResponseFraming = "none" | "length" | "chunked" | "close";

/** The connection of a request, as far as a request needs it. */
export interface Wire {
  readonly peer: string | undefined;
  readonly scheme: Scheme;
  /** False: it is full; `onClientRoom` tells when it has room again. */
  write(data: Buffer | string): boolean;
  /** The request's body is wanted from now on. */
  bodyWanted(): void;
  /** Its response has been written to the end. */
  ended(request: ClientRequest): void;
  /** Its response cannot be completed: the client must see that. */
  cut(request: ClientRequest): void;
  /** Gives the socket away: from here on nobody here reads it, ends it or hears its errors. */
  switch(): Socket;
}

/** What an answer that is not yet on turn may hold back, in bytes, before its replica has to wait. */
const HELD_BYTES = 64 * 1024;

/**
 * One request of a client and the response to it. Responses go out in the order of the requests: one that is not on turn is
 * held, until `onTurn`.
 */
export class ClientRequest {
  user: ClientUser | null = null;
  /** Whether the body is to be read, and not to be left with the client. */
  wantsBody = false;
  bodyComplete: boolean;
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

  /** Chunks of the replica may be passed on as they are. */
  get takesChunks(): boolean {
    return this.chunked;
  }

  wantBody(wants: boolean): void {
    this.wantsBody = wants;
    if (wants && !this.bodyComplete) this.wire.bodyWanted();
  }

  /** The body may come. Said once, and only to a client that awaits it. */
  writeContinue(): void {
    if (this.head.kind !== "expectsContinue" || this.continued) return;
    this.continued = true;
    this.send("HTTP/1.1 100 Continue\r\n\r\n");
  }

  /** The head waits for the first piece of the body, or for `flush`. `fields`: names and values in turn. */
  begin(status: number, reason: string, fields: readonly string[], framing: ResponseFraming): void {
    this.begun = true;
    let text = "HTTP/1.1 " + status + " " + reason + "\r\n";
    let dated = false;
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at]!;
      if (name.length === 4 && name.toLowerCase() === "date") dated = true;
      text += name + ": " + fields[at + 1]! + "\r\n";
    }
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

  /** Sends the head if nothing has gone with it yet. */
  flush(): void {
    if (this.unsent !== "") this.send(this.takeUnsent());
  }

  /** A piece of the body, from a buffer that is used again. False: `onClientRoom` tells when there is room for more. */
  write(chunk: Buffer): boolean {
    if (chunk.length === 0) return true;
    const before = this.chunked ? this.takeUnsent() + chunk.length.toString(16) + "\r\n" : this.takeUnsent();
    return this.writeFramed(before, chunk, this.chunked ? "\r\n" : "");
  }

  /** Whole chunks with their framing, where `takesChunks`. */
  writeChunks(chunks: Buffer): boolean {
    return this.writeFramed(this.takeUnsent(), chunks, "");
  }

  /** The end of the response, with the last piece of its body if there is one. */
  end(last: Buffer | null): void {
    this.over = true;
    const before = this.takeUnsent();
    const after = this.chunked ? "0\r\n\r\n" : "";
    if (last === null || last.length === 0) {
      if (before !== "" || after !== "") this.send(before + after);
    } else if (this.chunked) {
      this.writeFramed(before + last.length.toString(16) + "\r\n", last, "\r\n" + after);
    } else {
      this.writeFramed(before, last, after);
    }
    this.wire.ended(this);
  }

  /** Answers with a sentence. What may still come of the body is not waited for. */
  refuse(refusal: Refusal): void {
    if (isUntrusted(refusal) || !this.bodyComplete) this.keepAlive = false;
    const text = Buffer.from(`${refusal.sentence}\n`);
    this.begin(refusal.status, STATUS_CODES[refusal.status]!, refusalFields(refusal, text.length), "length");
    this.end(this.head.method === "HEAD" ? null : text);
  }

  /** The client must see that its response broke off: never a clean end. */
  truncate(): void {
    this.over = true;
    this.broken = true;
    this.wire.cut(this);
  }

  /** The client's socket, for a WebSocket: a replica has agreed. */
  switch(): Socket {
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

  private writeFramed(before: string, chunk: Buffer, after: string): boolean {
    if (chunk.length <= JOINED_BYTES) return this.send(before + chunk.toString("latin1") + after);
    const framed = Buffer.allocUnsafe(before.length + chunk.length + after.length);
    framed.write(before, 0, "latin1");
    framed.set(chunk, before.length);
    framed.write(after, before.length + chunk.length, "latin1");
    return this.send(framed);
  }

  private send(data: Buffer | string): boolean {
    if (this.held === null) return this.wire.write(data);
    this.held.push(data);
    this.heldBytes += data.length;
    return this.heldBytes < HELD_BYTES;
  }
}
