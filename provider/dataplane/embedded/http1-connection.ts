import type { Socket } from "node:net";
import { BodyClock } from "./body-clock";
import type { ClientConnection, ConnectionHost } from "./client-connection";
import { Http1Request, type Wire } from "./http1-request";
import type { Inlet } from "./inlet";
import { outbox } from "./outbox";
import type { Refusal } from "./refusal";
import { UNREAD, type ClientHead, type Scheme } from "./request-head";
import { RequestParser, type RequestSink } from "./request-parser";
import { Taking } from "./taking";
import type { Trailers } from "./trailers";

/** How long what a refused client still sends is thrown away: a reset at once would overtake the answer. */
const LINGER_MS = 1000;
/** Requests of one connection that may wait for their turn to be answered. */
const MAX_PIPELINED = 32;
/** What is read of something that nobody wants yet: as little as possible, but a client that goes away is to be noticed. */
const LEFT_BYTES = 16 * 1024;

/**
 * A connection that speaks HTTP/1.1: its requests in order, and its time. `open`: it is listened to. `refused`: what comes is thrown
 * away, until the last answer is out. `lingering`: that is out, and the client is given a moment to read it. `handshake`: the
 * client has asked for a WebSocket and must wait. `switched`: the socket belongs to somebody else.
 */
export class Http1Connection implements ClientConnection, RequestSink, Wire {
  readonly peer: string | undefined;
  readonly socket: Socket;
  private readonly parser: RequestParser;
  /** Those that are not answered yet, in the order of their answers. */
  private readonly requests: Http1Request[] = [];
  /** The one whose body is coming. */
  private receiving: Http1Request | null = null;
  /** Read, but not worked off: a copy, as what is read is. */
  private left: Buffer | null = null;
  private parsing = false;
  private state: "open" | "refused" | "lingering" | "handshake" | "switched" = "open";
  /** Since when it is in this state, or without a request. */
  private since: number;
  /** When the head of which only a part has come was begun; null: there is none, or it must wait. */
  private headSince: number | null = null;
  /** Of the body that is coming. */
  private clock = new BodyClock();
  private readonly taking = new Taking();
  private served = false;
  private leaving = false;
  /** All that was to be said has left this process. */
  private flushed = false;

  constructor(
    private readonly inlet: Inlet,
    private readonly host: ConnectionHost,
    readonly scheme: Scheme,
    /** What its bytes go through: with TLS not the socket itself. */
    private readonly wire: Socket = inlet.socket,
  ) {
    const { socket } = inlet;
    this.socket = socket;
    this.peer = socket.remoteAddress;
    this.since = host.now;
    this.parser = new RequestParser(this, () => host.maxHeaderBytes);
    inlet.take = (data) => this.read(data);
    socket.on("drain", () => this.requests[0]?.user?.onClientRoom());
    socket.on("end", () => this.clientEnded());
    // `close` always follows.
    socket.on("error", () => undefined);
    socket.on("close", () => this.closed());
  }

  get isIdle(): boolean {
    return this.requests.length === 0 && this.state === "open" && this.socket.writableLength === 0;
  }

  get takesRequest(): boolean {
    return this.requests.length < MAX_PIPELINED;
  }

  get takesBody(): boolean {
    return this.receiving!.wantsBody;
  }

  onRequest(head: ClientHead, more: boolean): void {
    this.served = true;
    this.headSince = null;
    const request = new Http1Request(head, this, this.requests.length === 0);
    if (head.kind === "upgrade" && this.requests.length > 0) {
      // Behind a request that is not answered yet: the two answers would run into one another.
      this.destroy();
      return;
    }
    this.requests.push(request);
    if (this.host.closing || this.leaving) request.keepAlive = false;
    if (!request.bodyComplete) {
      this.receiving = request;
      this.clock = new BodyClock();
    } else if (!request.keepAlive) this.parser.stop();
    if (head.kind === "upgrade") {
      request.keepAlive = false;
      this.parser.stop();
      this.state = more ? "refused" : "handshake";
      if (more) {
        const sentence = "A WebSocket's client must wait for the answer before it speaks.";
        this.host.onRefused(request, { status: 400, sentence });
        return;
      }
    }
    this.host.onRequest(request);
  }

  onBody(chunk: Buffer): void {
    this.clock.came(this.host.now);
    // It may be kept for another replica, or until this one takes it.
    this.receiving!.user?.onClientBody(Buffer.from(chunk));
  }

  onBodyEnd(trailers: Trailers): void {
    const request = this.receiving!;
    request.trailers = trailers;
    this.receiving = null;
    this.since = this.host.now;
    request.bodyComplete = true;
    if (!request.keepAlive) this.parser.stop();
    request.user?.onClientBodyEnd();
  }

  onRefused(refusal: Refusal): void {
    const request = this.receiving;
    this.receiving = null;
    this.state = "refused";
    if (request === null) {
      const answering = new Http1Request(UNREAD, this, this.requests.length === 0);
      this.requests.push(answering);
      this.host.onRefused(answering, refusal);
    } else if (request.over) {
      // Answered before its body was through: the answer is all that it gets.
      if (!this.requests.includes(request)) this.linger();
      else request.keepAlive = false;
    } else {
      request.keepAlive = false;
      request.user?.onClientRefused(refusal);
    }
  }

  write(data: Buffer | string): boolean {
    return this.socket.write(data, "latin1");
  }

  writeLast(data: Buffer | string): void {
    outbox.send(this.socket, data);
  }

  bodyWanted(): void {
    this.clock.wanted(this.host.now);
    this.work();
  }

  ended(request: Http1Request): void {
    if (request === this.requests[0]) this.nextOnTurn();
  }

  cut(request: Http1Request): void {
    if (request === this.requests[0]) this.breakOff(request);
  }

  switch(): Inlet {
    this.state = "switched";
    this.requests.length = 0;
    for (const event of ["drain", "end", "close"]) this.socket.removeAllListeners(event);
    this.host.onSwitched(this, this.inlet);
    return this.inlet;
  }

  leave(): void {
    this.leaving = true;
  }

  destroy(): void {
    this.parser.stop();
    this.left = null;
    outbox.flush(this.socket);
    this.socket.destroy();
  }

  sweep(now: number): void {
    const { limits } = this.host;
    const { headSeconds, idleSeconds, stalledSeconds } = limits;
    const { bytesWritten: sent, writableLength: waiting } = this.socket;
    if (this.taking.stalledFor(now, { sent, waiting }) > stalledSeconds * 1000) this.reset();
    else if (this.state === "lingering") {
      if (this.flushed && now - this.since > LINGER_MS) this.socket.destroy();
    } else if (this.state !== "open") {
      return;
    } else if (this.receiving !== null) {
      const late = this.receiving.wantsBody ? this.clock.late(now, limits) : null;
      if (late !== null) this.timedOut(late);
    } else if (this.headSince !== null) {
      if (now - this.headSince > headSeconds * 1000)
        this.timedOut(`The request's head did not come within ${headSeconds} s (balancer.limits.headSeconds).`);
    } else if (this.requests.length === 0 && waiting === 0) {
      if (now - this.since > (this.served ? idleSeconds : headSeconds) * 1000) this.socket.destroy();
    }
  }

  private read(data: Buffer): void {
    switch (this.state) {
      case "handshake":
        // Neither a frame nor a request yet, and none of it may be passed on.
        this.destroy();
        return;
      case "refused":
      case "lingering":
      case "switched":
        return;
      case "open":
        this.left = this.left === null ? data : Buffer.concat([this.left, data]);
        this.work();
        // Of a buffer that is read into again.
        if (this.left?.buffer === data.buffer) this.left = Buffer.from(this.left);
    }
  }

  /** Works off what was read, as far as it is wanted. Called again from within, it leaves that to the call under way. */
  private work(): void {
    if (this.parsing) return;
    const data = this.left;
    if (data !== null) {
      this.parsing = true;
      const at = this.parser.execute(data);
      this.parsing = false;
      this.left = at === data.length ? null : at === 0 ? data : data.subarray(at);
    }
    if (this.left === null || this.receiving !== null || !this.takesRequest) this.headSince = null;
    else this.headSince ??= this.host.now;
    if (this.left !== null && this.left.length >= LEFT_BYTES && !this.awaitsMore) this.socket.pause();
    else if (this.socket.isPaused()) this.socket.resume();
  }

  /** What was left is a piece of something that cannot be told from its beginning alone. */
  private get awaitsMore(): boolean {
    return this.receiving === null ? this.takesRequest : this.takesBody;
  }

  private nextOnTurn(): void {
    for (;;) {
      const request = this.requests[0];
      if (request === undefined) break;
      if (request.broken) {
        this.breakOff(request);
        return;
      }
      if (!request.over) break;
      this.requests.shift();
      if (!request.keepAlive) {
        this.linger();
        return;
      }
      this.requests[0]?.onTurn();
    }
    if (this.requests.length === 0) this.since = this.host.now;
    // One that had to wait for its turn to be read.
    if (this.left !== null) this.work();
  }

  private breakOff(request: Http1Request): void {
    // Without chunks or a length, only a reset tells the end of HTTP/1.0 from an accident.
    if (request.head.minor === 0) this.reset();
    else this.destroy();
  }

  /** What the client has not taken yet is thrown away. */
  private reset(): void {
    this.wire.resetAndDestroy();
    this.destroy();
  }

  private timedOut(sentence: string): void {
    this.parser.stop();
    this.left = null;
    this.onRefused({ status: 408, sentence });
  }

  /** The last answer is out. What the client still sends is read for a moment, or the answer would be lost to a reset. */
  private linger(): void {
    this.state = "lingering";
    this.left = null;
    this.receiving = null;
    this.parser.stop();
    for (const request of this.requests.splice(0)) lose(request);
    if (this.socket.isPaused()) this.socket.resume();
    this.socket.end(() => {
      this.flushed = true;
      this.since = this.host.now;
    });
  }

  /** The client has said its last word, and with it that it waits for nothing more. */
  private clientEnded(): void {
    if (this.requests.length === 0) this.socket.end();
    else this.destroy();
  }

  private closed(): void {
    this.parser.stop();
    this.left = null;
    this.receiving = null;
    for (const request of this.requests.splice(0)) lose(request);
    this.host.onGone(this);
  }
}

function lose(request: Http1Request): void {
  request.gone = true;
  request.user?.onClientGone();
}
