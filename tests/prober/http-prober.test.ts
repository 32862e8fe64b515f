import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from "node:net";
import type { ReadinessSpec } from "../../provider/core/spec/pool";
import { systemClock } from "../../provider/host/clock";
import type { Prober, ProbeTarget } from "../../provider/ports/prober";
import { createHttpProber } from "../../provider/prober";
import { freePort } from "../e2e/harness/free-port";
import { until } from "../store/children";

const READINESS: ReadinessSpec = {
  path: "/health",
  startupGraceSeconds: 60,
  intervalSeconds: 0.05,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
  method: "GET",
  requestSecret: null,
};

/** A server that is not HTTP; it reads what comes, so that it notices when the other side is gone. */
function rawServer(answer: (socket: Socket) => void): TcpServer {
  return createTcpServer((socket) => {
    socket.on("error", () => undefined).resume();
    answer(socket);
  });
}

describe("the http prober", () => {
  let prober: Prober;
  let servers: (Server | TcpServer)[];
  let secrets: Record<string, { headers?: Record<string, string>; body?: string }>;

  beforeEach(() => {
    servers = [];
    secrets = {};
    prober = createHttpProber({
      clock: systemClock,
      secrets: async (ref) => secrets[ref] ?? Promise.reject(new Error("hunter2")),
    });
  });
  afterEach(async () => {
    prober.close();
    await Promise.all(servers.map(stop));
  });

  const stop = (server: Server | TcpServer) =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      if ("closeAllConnections" in server) server.closeAllConnections();
    });
  const listen = async (server: Server | TcpServer, port = 0): Promise<number> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  };
  const serve = (answer: RequestListener) => listen(createServer(answer));
  const target = (port: number, readiness: Partial<ReadinessSpec> = {}, phase: ProbeTarget["phase"] = "starting") => ({
    replicaId: "r-1",
    address: { host: "127.0.0.1", port },
    readiness: { ...READINESS, ...readiness },
    phase,
  });
  const reading = () => prober.readings()["r-1"];

  it("counts successes while the replica answers 2xx, and since when", async () => {
    const port = await serve((_, response) => response.writeHead(204).end());
    const before = Date.now();
    prober.watch([target(port)]);
    const seen = await until("three successes", () => reading()?.consecutiveSuccesses === 3 && reading());
    assert.ok(seen.passingSince! >= before && seen.passingSince! <= Date.now());
    assert.deepEqual([seen.consecutiveFailures, seen.lastError], [0, null]);
  });

  for (const status of [301, 404, 503]) {
    it(`does not take ${status} for ready`, async () => {
      const port = await serve((_, response) => response.writeHead(status, { location: "/ready" }).end("no"));
      prober.watch([target(port)]);
      await until("a failure", () => reading()?.lastError === `status ${status}`);
      assert.equal(reading()!.passingSince, null);
    });
  }

  it("says in a few words why a replica is not ready", async () => {
    prober.watch([target(await freePort())]);
    await until("refused", () => reading()?.lastError === "connection refused");
    const silent = await listen(rawServer(() => undefined));
    prober.watch([{ ...target(silent, { timeoutSeconds: 0.1 }), replicaId: "r-2" }]);
    await until("timed out", () => prober.readings()["r-2"]?.lastError === "timed out after 0.1 s");
    const rude = await listen(rawServer((socket) => socket.end("hello\r\n\r\n")));
    prober.watch([{ ...target(rude), replicaId: "r-3" }]);
    await until("not HTTP", () => prober.readings()["r-3"]?.lastError === "the answer is not HTTP");
    const closing = await listen(rawServer((socket) => socket.on("data", () => socket.end())));
    prober.watch([{ ...target(closing), replicaId: "r-4" }]);
    await until("closed", () => prober.readings()["r-4"]?.lastError === "connection closed before an answer");
  });

  it("waits for the answer behind a hint, also where its status comes in pieces", async () => {
    const hinting = await listen(
      rawServer((socket) => {
        socket.write("HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\nHTT");
        setImmediate(() => socket.end("P/1.1 200 OK\r\n\r\n"));
      }),
    );
    prober.watch([target(hinting)]);
    const { lastError } = await until("a reading", reading);
    assert.equal(lastError, null);
  });

  it("tells its listener when a reading turns and when it reaches a threshold, not at every probe", async () => {
    let ready = true;
    const port = await serve((_, response) => response.writeHead(ready ? 200 : 500).end());
    const told: string[] = [];
    prober.onChange(() => told.push(`+${reading()!.consecutiveSuccesses} -${reading()!.consecutiveFailures}`));
    prober.watch([target(port, { successThreshold: 3, failureThreshold: 2 }, "serving")]);
    await until("five successes", () => reading()?.consecutiveSuccesses === 5);
    ready = false;
    await until("four failures", () => reading()!.consecutiveFailures >= 4);
    assert.deepEqual(told, ["+1 -0", "+3 -0", "+0 -1", "+0 -2"]);
  });

  it("sends the secret headers and body of a POST, and never shows them", async () => {
    const asked: { request: IncomingMessage; body: string }[] = [];
    const port = await serve((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        asked.push({ request, body });
        response.end();
      });
    });
    secrets["probe-1"] = {
      headers: { authorization: "Bearer hunter2", "x-name": "Zoé" },
      body: '{"prompt":"salut, Zoé"}',
    };
    prober.watch([target(port, { method: "POST", path: "/v1?x=1", requestSecret: "probe-1" })]);
    await until("a success", () => reading()?.consecutiveSuccesses);
    const [{ request, body }] = asked as [(typeof asked)[0]];
    assert.deepEqual(
      [request.method, request.url, request.headers.authorization, request.headers.connection, body],
      ["POST", "/v1?x=1", "Bearer hunter2", "close", '{"prompt":"salut, Zoé"}'],
    );
    assert.equal(request.headers["x-name"], "Zoé");
    for (const headers of [undefined, { authorization: "hunter2\n" }]) {
      if (headers) secrets["probe-2"] = { headers };
      prober.watch([{ ...target(port, { requestSecret: "probe-2" }), replicaId: headers ? "r-3" : "r-2" }]);
      const id = headers ? "r-3" : "r-2";
      const { lastError } = await until("a failure", () => prober.readings()[id]);
      assert.ok(lastError!.length > 0 && !lastError!.includes("hunter2"), lastError!);
    }
  });

  it("forgets targets that left, even while a probe of theirs runs", async () => {
    let arrived = 0;
    const port = await serve(() => arrived++);
    prober.watch([target(port)]);
    await until("the probe is on its way", () => arrived > 0);
    prober.watch([]);
    assert.deepEqual(prober.readings(), {});
    prober.watch([target(port)]);
    assert.equal(reading(), undefined);
  });

  it("takes a ready answer whose body has no end, and gives its connection up in time", async () => {
    let open = 0;
    const port = await serve((_, response) => {
      open++;
      response.write("x");
      response.on("close", () => open--);
    });
    prober.watch([target(port, { timeoutSeconds: 0.2 })]);
    await until("two successes", () => reading()?.consecutiveSuccesses === 2);
    prober.watch([]);
    await until("all closed", () => open === 0);
  });
});
