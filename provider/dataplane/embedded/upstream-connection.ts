import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { JOINED_BYTES } from "./joined";
import { outbox } from "./outbox";
import { FramingError, ResponseParser, type ResponseSink } from "./framing";

/** How an attempt failed. Decides who is to blame and whether another replica may be asked. */
export interface Break {
  /** `connect`: nothing was sent. `stale`: a reused connection that the replica had given up meanwhile. */
  kind: "connect" | "stale" | "closed" | "framing" | "silent";
  why: string;
}

export interface UpstreamUser extends ResponseSink {
  /** A read was worked off; what came of it may be sent on. */
  onReadDone(): void;
  /** The connection is open, or has room again, for more of the request's body. */
  onWritable(): void;
  /** Ends the attempt; nothing else is told after it. */
  onBreak(how: Break): void;
  /** Milliseconds of silence that are allowed; Infinity while it is not the replica who is waited for. */
  allowedSilence(): number;
}

const CONNECT_TIMEOUT_MS = 3000;
/**
 * All connections read into it: of each read, everything is said before the next one. A new one for every read costs more than
 * the copy of what is kept, and one for each connection leaves no room for anything else in the processor's cache.
 */
const shared = Buffer.allocUnsafeSlow(64 * 1024);
/** Model servers close idle connections after 5 s by default; we are to be the first to let go. */
const MAX_IDLE_MS = 4000;

/** One connection to a replica. Listeners are attached once for its life, never per request. */
export class UpstreamConnection {
  readonly socket: Socket;
  private readonly parser = new ResponseParser();
  private user: UpstreamUser | null = null;
  private connected = false;
  private reused = false;
  private answering = false;
  private closed = false;
  private lastSign = performance.now();
  private error: string | null = null;
  /** A head that waits for the first piece of its body. */
  private unsent = "";
  /** Takes the replica's bytes as they come, once it speaks no HTTP any more. */
  private raw: ((chunk: Buffer) => void) | null = null;

  constructor(
    host: string,
    port: number,
    private readonly onClose: (connection: UpstreamConnection) => void,
  ) {
    const onread = {
      buffer: shared,
      callback: (length: number): boolean => {
        this.read(shared.subarray(0, length));
        return true;
      },
    };
    this.socket = connect({ host, port, noDelay: true, onread });
    this.socket.on("connect", () => {
      this.connected = true;
      this.lastSign = performance.now();
      this.user?.onWritable();
    });
    this.socket.on("drain", () => {
      this.lastSign = performance.now();
      this.user?.onWritable();
    });
    this.socket.on("end", () => this.over());
    this.socket.on("error", (error) => (this.error = error.message));
    this.socket.on("close", () => {
      this.over();
      this.onClose(this);
    });
  }

  get isOpen(): boolean {
    return this.connected;
  }

  /** The response has come to its end, so that the connection is free if the request has too. */
  get isAnswered(): boolean {
    return this.parser.isIdle;
  }

  /**
   * The head of a request, which goes out with what is written next, or by `flush`; the response and every failure go to
   * `user`. `maySwitch`: it asks for a WebSocket.
   */
  begin(user: UpstreamUser, method: string, head: string, maySwitch: boolean): void {
    this.user = user;
    this.answering = false;
    this.parser.begin(method, user, maySwitch);
    this.lastSign = performance.now();
    this.unsent = head;
  }

  flush(): void {
    if (this.unsent !== "") outbox.send(this.socket, this.takeUnsent());
  }

  /** False: the socket is full. */
  write(chunk: Buffer | string): boolean {
    this.lastSign = performance.now();
    if (chunk.length > JOINED_BYTES) this.flush();
    return outbox.send(this.socket, this.unsent === "" ? chunk : this.takeUnsent() + chunk.toString("latin1"));
  }

  /** After `onSwitch`: the bytes go to `raw`, and time, ends and closing of the socket are looked after by whoever gave it. */
  switchTo(raw: (chunk: Buffer) => void): void {
    this.user = null;
    this.raw = raw;
    this.socket.allowHalfOpen = true;
  }

  /** After `onEnd`. True: it may carry another request. */
  finish(): boolean {
    this.user = null;
    this.reused = true;
    this.lastSign = performance.now();
    if (this.socket.isPaused()) this.socket.resume();
    return this.parser.keepAlive && !this.closed && this.idleLimit() > 0;
  }

  /** Ends it without a word to the user: an aborted request must not go on at the replica. */
  destroy(): void {
    this.user = null;
    this.closed = true;
    this.parser.abandon();
    this.socket.destroy();
  }

  isUsable(now: number): boolean {
    return !this.closed && this.socket.writable && now - this.lastSign < this.idleLimit();
  }

  /** Looks after time: silent replicas and connections that nobody wants any more. */
  sweep(now: number): void {
    if (this.raw !== null) return;
    const silence = now - this.lastSign;
    if (this.user === null) {
      if (silence >= this.idleLimit()) this.destroy();
    } else if (!this.connected) {
      if (silence >= Math.min(CONNECT_TIMEOUT_MS, this.user.allowedSilence()))
        this.break({ kind: "connect", why: "it did not accept the connection in time" });
    } else if (this.socket.isPaused()) {
      // The client is the slow one; when it goes on, the replica gets its full time again.
      this.lastSign = now;
    } else if (silence >= this.user.allowedSilence()) {
      this.break({ kind: "silent", why: `it was silent for ${Math.round(silence / 1000)} s` });
    }
  }

  private read(chunk: Buffer): void {
    if (this.raw !== null) {
      this.raw(chunk);
      return;
    }
    const user = this.user;
    if (user === null) {
      this.destroy();
      return;
    }
    this.answering = true;
    this.lastSign = performance.now();
    try {
      this.parser.execute(chunk);
    } catch (error) {
      if (!(error instanceof FramingError)) throw error;
      this.break({ kind: "framing", why: error.message });
      return;
    }
    if (this.user === user) user.onReadDone();
  }

  private takeUnsent(): string {
    const text = this.unsent;
    this.unsent = "";
    return text;
  }

  private over(): void {
    if (this.closed || this.raw !== null) return;
    this.closed = true;
    if (this.user === null) {
      this.socket.destroy();
      return;
    }
    if (this.error === null && this.parser.closed()) return;
    const why = this.error ?? "it closed the connection";
    if (!this.connected) this.break({ kind: "connect", why });
    else if (this.reused && !this.answering) this.break({ kind: "stale", why });
    else this.break({ kind: "closed", why });
  }

  private break(how: Break): void {
    const user = this.user;
    this.destroy();
    user?.onBreak(how);
  }

  private idleLimit(): number {
    const hint = this.parser.keepAliveSeconds;
    return hint === null || Number.isNaN(hint) ? MAX_IDLE_MS : Math.min(MAX_IDLE_MS, hint * 800);
  }
}
