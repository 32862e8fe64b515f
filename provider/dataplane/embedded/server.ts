import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { BalancerSpec } from "../../core/spec/pool";
import { bind } from "../bind";
import { affinityKey } from "./affinity";
import { Exchange, type ClientRequest } from "./forward";
import { refuse } from "./refusal";
import { originForm, requestHead } from "./request-head";
import type { RoutingTable } from "./routing-table";
import { TokenGuard } from "./token-guard";
import { answerTo, asksForWebSocket, WEBSOCKET_FIELDS, withoutUpgrade } from "./websocket";

const VERSION_HEADER = "x-pulumi-serve-version";
/** Longer than any client waits between two requests: who closes first loses the request that is just being sent. */
const KEEP_ALIVE_MS = 650_000;
const HEADERS_TIMEOUT_MS = 30_000;
/** For the whole request with its body; a slow upload must get through, a dead one must not stay for ever. */
const REQUEST_TIMEOUT_MS = 3_600_000;

/** The listener that clients talk to. Its connections outlive every apply. */
export class FrontServer {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  /** WebSockets and handshakes: Node's server knows nothing of them any more. */
  private readonly tunnels = new Set<Socket>();
  private closing = false;
  /** Null: everybody is let in. */
  private guard: TokenGuard | null = null;

  private constructor(
    private readonly table: RoutingTable,
    private balancer: BalancerSpec,
  ) {
    this.server = createServer({
      insecureHTTPParser: false,
      requireHostHeader: true,
      noDelay: true,
      maxHeaderSize: balancer.maxHeaderBytes,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: 5000,
    });
    this.setBalancer(balancer);
    this.server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
    });
    this.server.on("request", (req, res) => this.handle(req, res, "plain"));
    this.server.on("checkContinue", (req, res) => this.handle(req, res, "expectsContinue"));
    this.server.on("upgrade", (req, socket, early) => this.handleUpgrade(req, socket as Socket, early));
    this.server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => onClientError(error, socket));
  }

  /** Throws EndpointInUse when somebody else holds the port. */
  static async listen(
    endpoint: { host: string; port: number },
    table: RoutingTable,
    balancer: BalancerSpec,
  ): Promise<FrontServer> {
    const front = new FrontServer(table, balancer);
    await bind(endpoint, () => front.tryListen(endpoint));
    return front;
  }

  /** On a unix socket, for another engine; what a killed one left of it is taken away. */
  static async listenAt(path: string, table: RoutingTable, balancer: BalancerSpec): Promise<FrontServer> {
    const front = new FrontServer(table, balancer);
    rmSync(path, { force: true });
    // The mode comes with the socket: between a listen and a chmod anybody could connect.
    const mask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        front.server.once("error", reject);
        front.server.listen(path, resolve);
      });
    } finally {
      process.umask(mask);
    }
    return front;
  }

  get address(): { host: string; port: number } {
    const { address, port } = this.server.address() as AddressInfo;
    return { host: address, port };
  }

  setBalancer(balancer: BalancerSpec): void {
    this.balancer = balancer;
    this.guard = balancer.tokens === undefined ? null : new TokenGuard(balancer.tokens);
    // What Node reads for each new connection; on those that are open `requestHead` holds the limit.
    (this.server as { maxHeaderSize?: number }).maxHeaderSize = balancer.maxHeaderBytes;
  }

  /** Accepts nothing new, lets running requests end for `graceSeconds`, then cuts what is left. */
  async close(graceSeconds: number): Promise<void> {
    this.closing = true;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    // Connections fall idle one by one; Node's own closing also forgets those that never sent anything.
    const closeIdle = setInterval(() => {
      for (const socket of this.sockets) if (currentResponse(socket) === null) socket.destroy();
    }, 50);
    const cut = setTimeout(() => {
      this.server.closeAllConnections();
      for (const socket of this.tunnels) socket.destroy();
    }, graceSeconds * 1000);
    await closed;
    clearInterval(closeIdle);
    clearTimeout(cut);
  }

  private tryListen(endpoint: { host: string; port: number }): Promise<NodeJS.ErrnoException | null> {
    return new Promise((resolve) => {
      const onError = (error: NodeJS.ErrnoException): void => resolve(error);
      this.server.once("error", onError);
      this.server.listen({ host: endpoint.host, port: endpoint.port, backlog: 4096 }, () => {
        this.server.off("error", onError);
        resolve(null);
      });
    });
  }

  /** Node has let go of the connection: from here on nobody but us reads it, ends it or hears its errors. */
  private handleUpgrade(req: IncomingMessage, socket: Socket, early: Buffer): void {
    if (currentResponse(socket) !== null) {
      // Pipelined behind a request that is not answered yet: the two answers would run into one another.
      socket.destroy();
      return;
    }
    if (!asksForWebSocket(req)) {
      socket.unshift(Buffer.concat([withoutUpgrade(req), early]));
      this.server.emit("connection", socket);
      return;
    }
    this.sockets.delete(socket);
    this.tunnels.add(socket);
    socket.once("close", () => this.tunnels.delete(socket));
    const res = answerTo(req, socket);
    if (early.length === 0) this.handle(req, res, "upgrade");
    else refuse(req, res, { status: 400, sentence: "A WebSocket's client must wait for the answer before it speaks." });
  }

  private handle(req: IncomingMessage, res: ServerResponse, kind: ClientRequest["kind"]): void {
    if (this.closing) res.shouldKeepAlive = false;
    const { balancer } = this;
    const head = requestHead(req, balancer, kind === "upgrade" ? WEBSOCKET_FIELDS : "");
    if ("status" in head) return refuse(req, res, head);
    if (this.guard !== null && !this.guard.admits(req.headers.authorization))
      return refuse(req, res, {
        status: 401,
        sentence: "This service wants one of its tokens: send it as `Authorization: Bearer <token>`.",
      });
    if (head.body.framing === "length" && head.body.length > balancer.maxBodyBytes)
      return refuse(req, res, {
        status: 413,
        sentence: `The body is larger than ${balancer.maxBodyBytes} bytes (balancer.maxBodyBytes).`,
      });
    const { path } = originForm(req.url ?? "/");
    const route = this.table.match(path);
    if (route === null)
      return refuse(req, res, {
        status: 404,
        sentence: `No pool serves this path: ${path.split("?", 1)[0]}. See the routes of the service's pools.`,
      });
    route.arrivals += 1;
    const pin = req.headers[VERSION_HEADER];
    const key = balancer.affinity === undefined ? null : affinityKey(req, balancer.affinity);
    new Exchange(route, { req, res, head, kind, key, pin: pin === undefined ? null : String(pin) }).start();
  }
}

/** The response that is on this connection now. Node's own default handler looks at the same field. */
function currentResponse(socket: Socket): ServerResponse | null {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? null;
}

function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const current = currentResponse(socket);
  if (!socket.writable || error.code === "ECONNRESET" || current?.headersSent === true) {
    // A refusal that has just been written must still arrive; a response that runs must not look complete.
    if (current?.writableEnded === true) socket.destroySoon();
    else socket.destroy();
    return;
  }
  const status =
    error.code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "408 Request Timeout"
        : "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`, () => socket.destroy());
}
