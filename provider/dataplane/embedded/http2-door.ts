import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { ClientConnection, ConnectionHost } from "./client-connection";
import { Http2Connection } from "./http2-connection";
import { HTTP2_LIMITS, maxHeaderListSize } from "./http2-limits";

/** Where connections that have agreed on HTTP/2 get their session. It listens nowhere itself. */
export class Http2Door {
  private readonly server: Http2Server = createServer(HTTP2_LIMITS);

  constructor(
    private readonly host: ConnectionHost,
    private readonly onConnection: (connection: ClientConnection) => void,
  ) {}

  admit(socket: TLSSocket): void {
    this.server.updateSettings({ maxHeaderListSize: maxHeaderListSize(this.host.maxHeaderBytes) });
    this.server.once("session", (session: ServerHttp2Session) =>
      this.onConnection(new Http2Connection(session, socket, this.host)),
    );
    this.server.emit("connection", socket);
  }
}
