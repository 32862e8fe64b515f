import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { DesiredReplica } from "../../../provider/core/routing";

/** A replica inside this process, with real sockets. */
export interface TestReplica extends DesiredReplica {
  /** Requests that reached it, checks left out. */
  seen: { method: string; url: string; headers: IncomingMessage["rawHeaders"]; body: Buffer }[];
  /** Refuses connections from now on, cutting all that are open. */
  stop(): Promise<void>;
}

let count = 0;
const open = new Set<TestReplica>();

/** Ends every replica of the finished test. */
export async function stopReplicas(): Promise<void> {
  await Promise.all([...open].map((replica) => replica.stop()));
}

export async function stopReplicaAt(port: number): Promise<void> {
  await [...open].find((replica) => replica.port === port)!.stop();
}

/** Answers each request with `answer` after its whole body has come; the default says the replica's id. */
export function startReplica(
  answer?: (req: IncomingMessage, res: ServerResponse, body: Buffer) => void,
  port = 0,
): Promise<TestReplica> {
  return startListening((req, res, replica) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const body = Buffer.concat(chunks);
      replica.seen.push({ method: req.method!, url: req.url!, headers: req.rawHeaders, body });
      if (answer) answer(req, res, body);
      else res.end(replica.id);
    });
  }, port);
}

/** Hands over each request as soon as its head has come. */
export function startListening(
  onRequest: (req: IncomingMessage, res: ServerResponse, replica: TestReplica) => void,
  port = 0,
): Promise<TestReplica> {
  const listener: RequestListener = (req, res) => {
    res.on("error", () => undefined);
    req.on("error", () => undefined);
    if (req.url === "/health") res.end();
    else onRequest(req, res, replica);
  };
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  const replica = describe(server);
  return listen(server, replica, port);
}

/** A replica that speaks bytes: `onData` gets each read. Health checks get a proper answer. */
export function startRawReplica(onData: (socket: Socket, text: string) => void): Promise<TestReplica> {
  return startConnectable((socket) =>
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      if (text.startsWith("GET /health")) socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      else onData(socket, text);
    }),
  );
}

/** A replica of which only the connections matter. */
export function startConnectable(onConnection: (socket: Socket) => void): Promise<TestReplica> {
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  return listen(server, describe(server), 0);
}

function describe(server: Server): TestReplica {
  count += 1;
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const replica: TestReplica = {
    id: `replica-${count}`,
    host: "127.0.0.1",
    port: 0,
    seen: [],
    stop: () =>
      new Promise((resolve) => {
        open.delete(replica);
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return replica;
}

async function listen(server: Server, replica: TestReplica, port: number): Promise<TestReplica> {
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  replica.port = (server.address() as AddressInfo).port;
  open.add(replica);
  return replica;
}
