import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { Agent } from "node:https";
import type { DesiredRouting } from "../../provider/core/routing";
import type { EngineKind } from "../../provider/core/spec/pool";
import { findHaproxy } from "../../provider/dataplane/haproxy/binary";
import { workerFolder } from "../../provider/dataplane/haproxy/worker-files";
import { readRecords } from "../../provider/dataplane/haproxy/worker-records";
import { connected, startEcho } from "../dataplane/conformance/websocket";
import { makeKeyPair, shownBy, whyNoCertificates } from "../dataplane/support/certificate";
import { ask, RawClient } from "../dataplane/support/client";
import { startEngine, type ProcessUnderTest } from "../dataplane/support/engine-process";
import { askHttp2, openHttp2 } from "../dataplane/support/http2";
import { Http2Load } from "../dataplane/support/http2-load";
import { Load } from "../dataplane/support/load";
import { startListening, startReplica, stopReplicas, type TestReplica } from "../dataplane/support/replica";
import { balancer, primaryOnly, route, routing, tlsOf, version } from "../dataplane/support/routing";
import { until } from "../dataplane/support/until";

const WITHIN_MS = 60_000;

type Carrier = keyof typeof DECLARED;

const DECLARED = {
  embedded: { engine: "embedded" },
  "two workers": { engine: "embedded", workers: 2 },
  haproxy: { engine: "haproxy" },
} as const;

describe("a change of the engine while it serves", function () {
  const found = findHaproxy();
  if (found.kind === "unusable") {
    it(`is not tested here: ${found.reason}`);
    return;
  }
  let engine: ProcessUnderTest;
  let replica: TestReplica;
  let finish = (): void => undefined;
  beforeEach(async () => {
    engine = await startEngine("embedded");
    replica = await startListening((req, res) => {
      if (req.url !== "/stream") return void res.end("ok");
      res.write("first");
      finish = () => res.end("last");
    });
  });
  afterEach(async () => {
    await engine.stop();
    await stopReplicas();
  });

  const routingOf = (carrier: Carrier, maxQueue = 100): DesiredRouting =>
    primaryOnly([replica], { ...DECLARED[carrier], maxQueue });
  const openStream = async (port: number): Promise<RawClient> => {
    const stream = new RawClient(port);
    stream.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
    await until("the stream began", () => stream.received.includes("first"));
    return stream;
  };
  const inFlight = async ({ id }: TestReplica): Promise<number | undefined> =>
    (await engine.plane.observe()).replicas[id]?.inFlight;
  const requestsOf = async (): Promise<number> => (await engine.plane.observe()).pools!["pool"]!.arrivals;

  for (const [first, other] of [
    ["embedded", "haproxy"],
    ["haproxy", "embedded"],
    ["two workers", "haproxy"],
    ["haproxy", "two workers"],
    ["embedded", "two workers"],
  ] as const) {
    it(`from ${first} to ${other} and back costs no request, cuts no stream, and forgets no count`, async () => {
      await engine.plane.apply(routingOf(first));
      const { port } = (await engine.plane.observe()).endpoint!;
      const streams = [await openStream(port)];
      const loads = [new Load(port, 4, () => ({})), new Load(port, 4, () => ({ headers: { connection: "close" } }))];
      for (const [turn, kind] of [other, other, first, other].entries()) {
        const counted = await requestsOf();
        // The second one is no change of the engine, but one for which HAProxy needs a new process.
        await engine.plane.apply(routingOf(kind, 100 + turn));
        assert.equal((await engine.plane.observe()).endpoint!.port, port);
        const soFar = loads.map(({ requests }) => requests);
        await until("the load ran on", () => loads.every(({ requests }, at) => requests > soFar[at]! + 50), WITHIN_MS);
        assert.ok((await requestsOf()) >= counted, "a count that falls would be taken for a restart");
      }
      for (const load of loads) await load.stop();
      assert.deepEqual(
        loads.flatMap(({ failures }) => failures),
        [],
      );
      await until("only the stream runs", async () => {
        return (await inFlight(replica)) === 1;
      });
      finish();
      for (const stream of streams) await until("the stream ended whole", () => stream.received.endsWith("0\r\n\r\n"));
      for (const stream of streams) stream.close();
      await until("only who serves is left", () => {
        return readRecords(engine.folder).workers.length === (other === "haproxy" ? 1 : 0);
      });
      assert.equal((await ask(port)).body, "ok");
    });

    it(`from ${first} to ${other} keeps a WebSocket, which counts as in flight until it is closed`, async () => {
      const echo = await startEcho();
      await engine.plane.apply(primaryOnly([echo], DECLARED[first]));
      const client = await connected((await engine.plane.observe()).endpoint!.port);
      await engine.plane.apply(primaryOnly([echo], DECLARED[other]));
      // Another replica takes its place: who has only the WebSocket must still know of the one that leaves.
      await engine.plane.apply(
        routing([route({ primary: version(1, [replica]), draining: [echo] })], {
          balancer: balancer(DECLARED[other]),
        }),
      );
      client.send("still here");
      await until("it came back", () => client.received.endsWith("still here"));
      assert.equal((await inFlight(echo)) ?? 0, 1);
      client.close();
      await until("its replica has drained", async () => ((await inFlight(echo)) ?? 0) === 0);
    });
  }

  it("takes TLS along, there and back, and costs no request", async function () {
    if (whyNoCertificates !== null) {
      this.test!.title += ` - ${whyNoCertificates}`;
      this.skip();
    }
    const pair = makeKeyPair("both");
    const put = (kind: EngineKind) =>
      engine.plane.apply(primaryOnly([replica], { engine: kind, tls: tlsOf(pair) }), pair);
    await put("embedded");
    const { port } = (await engine.plane.observe()).endpoint!;
    const tls = { ca: pair.certificate };
    const loads = [
      new Load(port, 2, () => ({ tls }), new Agent({ keepAlive: true, maxSockets: 2 })),
      new Load(port, 2, () => ({ tls }), new Agent()),
    ];
    for (const kind of ["haproxy", "embedded"] as const) {
      await put(kind);
      const soFar = loads.map(({ requests }) => requests);
      await until("the load ran on", () => loads.every(({ requests }, at) => requests > soFar[at]! + 20), WITHIN_MS);
      assert.equal((await shownBy(port)).name, "both");
    }
    for (const load of loads) await load.stop();
    assert.deepEqual(
      loads.flatMap(({ failures }) => failures),
      [],
    );
  });

  it("tells clients of HTTP/2 to take another connection, there and back, and costs no request", async function () {
    if (whyNoCertificates !== null) {
      this.test!.title += ` - ${whyNoCertificates}`;
      this.skip();
    }
    const pair = makeKeyPair("both");
    const put = (kind: EngineKind) =>
      engine.plane.apply(primaryOnly([replica], { engine: kind, tls: { ...tlsOf(pair), http2: true } }), pair);
    await put("embedded");
    const { port } = (await engine.plane.observe()).endpoint!;
    const open = () => openHttp2(port, { ca: [pair.certificate] });
    const streaming = open();
    const streamed = askHttp2(streaming, { path: "/stream" });
    await until("the stream runs", async () => (await inFlight(replica)) === 1);
    const load = new Http2Load(open, { clients: 4, atOnce: 4 });
    for (const kind of ["haproxy", "embedded", "haproxy", "embedded"] as const) {
      const { sessions } = load;
      await put(kind);
      await until("every client has another session", () => load.sessions >= sessions + 4, WITHIN_MS);
      const soFar = load.requests;
      await until("the load ran on", () => load.requests > soFar + 100, WITHIN_MS);
    }
    await load.stop();
    assert.deepEqual(load.failures, []);
    finish();
    assert.equal((await streamed).body, "firstlast");
    streaming.close();
    await until("only who serves is left", () => readRecords(engine.folder).workers.length === 0);
  });

  it("that fails lets the one before serve on, and know of replicas that come and go", async () => {
    // HAProxy's folder cannot be made where a file is.
    writeFileSync(workerFolder(engine.folder), "");
    const served = routingOf("embedded");
    await engine.plane.apply(served);
    const { port } = (await engine.plane.observe()).endpoint!;
    const other = await startReplica();
    const next = primaryOnly([other], { engine: "haproxy" });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await assert.rejects(engine.plane.apply(next), /EEXIST/);
      assert.equal((await engine.plane.observe()).generation, served.generation, "what was wished for is not in force");
      assert.equal((await ask(port)).body, other.id);
    }
    await engine.plane.apply(routingOf("embedded"));
    assert.equal((await ask(port)).body, "ok");
  });
});
