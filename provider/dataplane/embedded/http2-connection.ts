import type { Socket } from "node:net";
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { ClientConnection, ConnectionHost } from "./client-connection";
import { parseHttp2Head } from "./http2-head";
import { Http2Request } from "./http2-request";
import { MAX_STREAMS, STREAM_WINDOW } from "./http2-limits";
import { UNREAD } from "./request-head";

/** How long one without requests has to end after it was told to. */
const LINGER_MS = 1000;

/** A connection that speaks HTTP/2: its requests, each on a stream, and its time. */
export class Http2Connection implements ClientConnection {
  private readonly peer: string | undefined;
  private readonly requests = new Set<Http2Request>();
  /** Since when it has had no request, or was told to go. */
  private since: number;
  private served = false;
  private left = false;

  constructor(
    private readonly session: ServerHttp2Session,
    /** That of the session. */
    private readonly socket: Socket,
    private readonly host: ConnectionHost,
  ) {
    this.peer = session.socket.remoteAddress;
    this.since = host.now;
    // Bodies that wait for a replica must not use up what the others could come through.
    session.setLocalWindowSize(MAX_STREAMS * STREAM_WINDOW);
    session.on("stream", (stream: ServerHttp2Stream, _headers: object, flags: number, fields: string[]) =>
      this.take(stream, flags, fields),
    );
    // `close` always follows.
    session.on("error", () => undefined);
    session.on("close", () => host.onGone(this));
    if (host.closing) this.leave();
  }

  get isIdle(): boolean {
    return this.requests.size === 0 && this.session.socket.writableLength === 0;
  }

  /** Tells the client by GOAWAY which of its requests are still answered: what it sent after those it may send anew. */
  leave(): void {
    this.left = true;
    this.since = this.host.now;
    this.session.close();
  }

  destroy(): void {
    this.session.destroy();
  }

  sweep(now: number): void {
    const { limits } = this.host;
    for (const request of this.requests) request.sweep(now, limits);
    if (this.requests.size > 0) return;
    const idle = now - this.since;
    if (this.left) {
      // It waits for a head of which only a part has come, and then for the client to take all that it was sent.
      if (idle > LINGER_MS) this.session.destroy();
      if (idle > limits.stalledSeconds * 1000) this.socket.destroy();
    } else if (idle > (this.served ? limits.idleSeconds : limits.headSeconds) * 1000) {
      this.leave();
    }
  }

  private take(stream: ServerHttp2Stream, flags: number, fields: string[]): void {
    // Taken back in the same breath: no replica hears of it.
    if (stream.closed || stream.destroyed) return;
    this.served = true;
    const { host } = this;
    const more = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    const head = parseHttp2Head(fields, more, host.maxHeaderBytes);
    const refused = "status" in head;
    const came = { peer: this.peer, host, bodyFollows: refused ? more : head.body.framing !== "none" };
    const request = new Http2Request(refused ? UNREAD : head, stream, came, () => {
      this.requests.delete(request);
      this.since = host.now;
    });
    this.requests.add(request);
    if (refused) host.onRefused(request, head);
    else host.onRequest(request);
  }
}
