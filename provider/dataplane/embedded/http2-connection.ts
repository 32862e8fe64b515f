import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { HEAD_MS, KEEP_ALIVE_MS, REQUEST_MS, type ClientConnection, type ConnectionHost } from "./client-connection";
import { parseHttp2Head } from "./http2-head";
import { Http2Request } from "./http2-request";
import { MAX_STREAMS, STREAM_WINDOW } from "./http2-limits";
import { UNREAD } from "./request-head";

/** A connection that speaks HTTP/2: its requests, each on a stream, and its time. */
export class Http2Connection implements ClientConnection {
  private readonly peer: string | undefined;
  private readonly requests = new Set<Http2Request>();
  /** Since when it has had no request. */
  private since: number;
  private served = false;

  constructor(
    private readonly session: ServerHttp2Session,
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
    this.session.close();
  }

  destroy(): void {
    this.session.destroy();
  }

  sweep(now: number): void {
    for (const request of this.requests) if (request.isLate(now, REQUEST_MS)) request.timedOut();
    if (this.requests.size === 0 && now - this.since > (this.served ? KEEP_ALIVE_MS : HEAD_MS)) this.leave();
  }

  private take(stream: ServerHttp2Stream, flags: number, fields: string[]): void {
    // Taken back in the same breath: no replica hears of it.
    if (stream.closed || stream.destroyed) return;
    this.served = true;
    const { maxHeaderBytes, now } = this.host;
    const more = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    const head = parseHttp2Head(fields, more, maxHeaderBytes);
    const refused = "status" in head;
    const came = { peer: this.peer, since: now, bodyFollows: refused ? more : head.body.framing !== "none" };
    const request = new Http2Request(refused ? UNREAD : head, stream, came, () => {
      this.requests.delete(request);
      this.since = this.host.now;
    });
    this.requests.add(request);
    if (refused) this.host.onRefused(request, head);
    else this.host.onRequest(request);
  }
}
