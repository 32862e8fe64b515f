import { rmSync } from "node:fs";
import { createServer, type AddressInfo, type ListenOptions, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { BalancerSpec } from "../../core/spec/pool";
import type { KeyPair } from "../../core/spec/tls-input";
import { bind } from "../bind";
import { clientLimits, type ClientLimits } from "../client-limits";
import { copyOfListener, listeningHandle, type TcpHandle } from "../listener";
import { affinityKey } from "./affinity";
import type { ClientConnection, ConnectionHost } from "./client-connection";
import type { ClientRequest } from "./client-request";
import { ConnectionLine, type Door } from "./connection-line";
import { Exchange } from "./forward";
import { Http1Connection } from "./http1-connection";
import { Http2Door } from "./http2-door";
import { freshInlet, inletOf, type Inlet } from "./inlet";
import { PrefixReader } from "./prefix";
import type { Refusal } from "./refusal";
import { headForReplica } from "./request-head";
import type { Key } from "./route";
import type { RoutingTable } from "./routing-table";
import { TlsDoor } from "./tls-door";
import { TokenGuard } from "./token-guard";
import { WEBSOCKET_FIELDS } from "./websocket";

/** How often the time of connections is looked after, in milliseconds; they get up to twice as much more than they may have. */
const SWEEP_MS = 500;
/** While it closes, its connections fall idle one by one. */
const CLOSE_IDLE_MS = 50;
const BACKLOG = 4096;
/** Nothing of a body has been read before there is a replica for it. */
const NOT_BEGUN: readonly Buffer[] = [];

/** Looks on at a request, in its place; see WatchedRequest. */
export type Watch = (request: ClientRequest) => ClientRequest;

/** The listener that clients talk to. Its connections outlive every apply. */
export class FrontServer implements ConnectionHost, Door {
  private readonly server: Server;
  private readonly connections = new Set<ClientConnection>();
  /** WebSockets: nobody here reads them any more. */
  private readonly tunnels = new Set<Socket>();
  private readonly sweeping: NodeJS.Timeout;
  closing = false;
  now = performance.now();
  limits: ClientLimits;
  private readonly line = new ConnectionLine(this);
  private readonly http2 = new Http2Door(this, (connection) => this.connections.add(connection));
  /** Null: everybody is let in. */
  private guard: TokenGuard | null = null;
  private watch: Watch | null = null;
  /** Null: connections are read as they come. */
  private door: TlsDoor | null = null;

  private constructor(
    private readonly table: RoutingTable,
    private balancer: BalancerSpec,
    keyPair: KeyPair | null,
  ) {
    // Half open: a client that has ended its side may still be owed an answer that is on its way.
    this.server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true });
    this.limits = clientLimits(balancer);
    this.setBalancer(balancer, keyPair, null);
    this.server.on("connection", (socket) => this.line.arrive(socket));
    this.sweeping = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  /** Throws EndpointInUse when somebody else holds the port. */
  static async listen(
    endpoint: { host: string; port: number },
    table: RoutingTable,
    balancer: BalancerSpec,
    keyPair: KeyPair | null,
  ): Promise<FrontServer> {
    const front = new FrontServer(table, balancer, keyPair);
    await bind(endpoint, () => front.tryListen(endpoint));
    return front;
  }

  /** Goes on with the listener of another engine. */
  static async listenOn(
    listener: TcpHandle,
    table: RoutingTable,
    balancer: BalancerSpec,
    keyPair: KeyPair | null,
  ): Promise<FrontServer> {
    const front = new FrontServer(table, balancer, keyPair);
    const failed = await front.tryListen(listener);
    if (failed !== null) throw failed;
    return front;
  }

  /** On a unix socket, for another engine; what a killed one left of it is taken away. */
  static async listenAt(path: string, table: RoutingTable, balancer: BalancerSpec): Promise<FrontServer> {
    const front = new FrontServer(table, balancer, null);
    rmSync(path, { force: true });
    // The mode comes with the socket: between a listen and a chmod anybody could connect.
    const mask = process.umask(0o177);
    try {
      const failed = await front.tryListen({ path });
      if (failed !== null) throw failed;
    } finally {
      process.umask(mask);
    }
    return front;
  }

  get address(): { host: string; port: number } {
    const { address, port } = this.server.address() as AddressInfo;
    return { host: address, port };
  }

  /** `watch`: null where nobody looks on. */
  setBalancer(balancer: BalancerSpec, keyPair: KeyPair | null, watch: Watch | null): void {
    this.balancer = balancer;
    this.limits = clientLimits(balancer);
    this.watch = watch;
    this.setKeyPair(keyPair);
    this.guard = balancer.tokens === undefined ? null : new TokenGuard(balancer.tokens);
  }

  /** For another engine, which goes on with the clients that are just connecting. */
  copyOfListener(): Promise<TcpHandle> {
    return copyOfListener(this.server);
  }

  get handle(): TcpHandle {
    return listeningHandle(this.server);
  }

  get isIdle(): boolean {
    return this.clients === 0 && this.line.isEmpty;
  }

  /** Accepts nothing new. Idle connections stay until their next answer: a request may just be coming on them. */
  leave(): void {
    this.closing = true;
    for (const connection of this.connections) connection.leave();
    this.server.close(() => clearInterval(this.sweeping));
  }

  /** Accepts nothing new, lets running requests end for `graceSeconds`, then cuts what is left. */
  async close(graceSeconds: number): Promise<void> {
    this.closing = true;
    for (const connection of this.connections) connection.leave();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    const closeIdle = setInterval(() => {
      this.door?.close();
      for (const connection of this.connections) if (connection.isIdle) connection.destroy();
    }, CLOSE_IDLE_MS);
    const cut = setTimeout(() => {
      this.line.close();
      for (const connection of this.connections) connection.destroy();
      for (const socket of this.tunnels) socket.destroy();
    }, graceSeconds * 1000);
    await closed;
    clearInterval(closeIdle);
    clearTimeout(cut);
    clearInterval(this.sweeping);
  }

  /** Where TLS begins or ceases, whoever is connected in the other way is answered once more, and told to connect anew. */
  private setKeyPair(keyPair: KeyPair | null): void {
    const http2 = this.balancer.tls?.http2 === true;
    if (this.door !== null && keyPair !== null) return this.door.change(keyPair, http2);
    if (this.door === null && keyPair === null) return;
    this.door?.close();
    const take = (socket: TLSSocket, wire: Socket): void => {
      if (socket.alpnProtocol === "h2") this.http2.admit(socket);
      else this.connections.add(new Http1Connection(inletOf(socket), this, "https", wire));
    };
    this.door = keyPair === null ? null : new TlsDoor(keyPair, http2, take);
    for (const connection of this.connections) connection.leave();
  }

  /** Of all kinds; those that still shake hands too. */
  get clients(): number {
    return this.connections.size + this.tunnels.size + (this.door?.shakingHands ?? 0);
  }

  get maxConnections(): number {
    return this.limits.maxConnections;
  }

  letIn(socket: Socket): void {
    if (this.door === null) this.connections.add(new Http1Connection(freshInlet(socket), this, "http"));
    else this.letInAtLast(socket);
  }

  letInAtLast(socket: Socket): void {
    if (this.door === null) this.connections.add(new Http1Connection(inletOf(socket.resume()), this, "http"));
    else this.door.admit(socket);
  }

  get maxHeaderBytes(): number {
    return this.balancer.maxHeaderBytes;
  }

  onRequest(came: ClientRequest): void {
    const { balancer, watch } = this;
    const request = watch === null ? came : watch(came);
    const { head } = request;
    if (this.guard !== null && !this.guard.admits(head.authorization ?? undefined))
      return request.refuse({
        status: 401,
        sentence: "This service wants one of its tokens: send it as `Authorization: Bearer <token>`.",
      });
    if (head.length !== null && head.length > balancer.maxBodyBytes)
      return request.refuse({
        status: 413,
        sentence: `The body is larger than ${balancer.maxBodyBytes} bytes (balancer.maxBodyBytes).`,
      });
    const route = this.table.match(head.path);
    if (route === null)
      return request.refuse({
        status: 404,
        sentence: `No pool serves this path: ${head.path.split("?", 1)[0]}. See the routes of the service's pools.`,
      });
    route.arrivals += 1;
    request.notes?.routed(route);
    const text = headForReplica(head, {
      peer: request.peer,
      scheme: request.scheme,
      hop: head.kind === "upgrade" ? WEBSOCKET_FIELDS : "",
      withTokens: balancer.tokens !== undefined,
    });
    const { affinity } = balancer;
    const start = (key: Key, begun: readonly Buffer[]): void =>
      new Exchange(route, { client: request, text, key, pin: head.pin }).start(begun);
    if (affinity?.prefixBytes !== undefined && head.body.framing !== "none")
      new PrefixReader(request, affinity, ({ key, pieces }) => start(key, pieces));
    else start(affinity === undefined ? null : affinityKey(head, affinity), NOT_BEGUN);
  }

  onRefused(request: ClientRequest, refusal: Refusal): void {
    (this.watch === null ? request : this.watch(request)).refuse(refusal);
  }

  onGone(connection: ClientConnection): void {
    this.connections.delete(connection);
    this.line.move();
  }

  onSwitched(connection: ClientConnection, { socket }: Inlet): void {
    this.connections.delete(connection);
    this.tunnels.add(socket);
    socket.once("close", () => {
      this.tunnels.delete(socket);
      this.line.move();
    });
  }

  private sweep(): void {
    // What began since the last look is dated by that: nothing is found to have lasted longer than it has.
    const judged = this.now;
    this.now = performance.now();
    for (const connection of this.connections) connection.sweep(judged);
    this.line.move();
  }

  private tryListen(on: ListenOptions | TcpHandle): Promise<NodeJS.ErrnoException | null> {
    return new Promise((resolve) => {
      const onError = (error: NodeJS.ErrnoException): void => resolve(error);
      this.server.once("error", onError);
      this.server.listen(on, BACKLOG, () => {
        this.server.off("error", onError);
        resolve(null);
      });
    });
  }
}
