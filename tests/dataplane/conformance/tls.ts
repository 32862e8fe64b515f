import assert from "node:assert/strict";
import { Agent } from "node:https";
import type { TLSSocket } from "node:tls";
import type { KeyPair } from "../../../provider/core/spec/tls-input";
import { makeKeyPair, shownBy, whyNoCertificates } from "../support/certificate";
import { ask, RawClient, type Tls } from "../support/client";
import { Load } from "../support/load";
import { startListening, startReplica } from "../support/replica";
import { primaryOnly, tlsOf } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";
import { connected, startEcho } from "./websocket";

export function speaksTls(subject: Subject): void {
  describe("a service with a certificate", () => {
    let one: KeyPair;
    let other: KeyPair;
    let trust: Tls;

    before(function () {
      if (whyNoCertificates !== null) {
        this.test!.title += ` - ${whyNoCertificates}`;
        this.skip();
      }
      one = makeKeyPair("one");
      other = makeKeyPair("other", ["rsa:2048"]);
      trust = { ca: [one.certificate, other.certificate] };
    });

    const serving = (replicas: Parameters<typeof primaryOnly>[0], pair: KeyPair) =>
      subject.serve(primaryOnly(replicas, { tls: tlsOf(pair) }), pair);
    it("serves over TLS, and tells its replica so", async () => {
      const replica = await startReplica((_req, res, body) => res.end(body));
      const port = await serving([replica], one);
      const answer = await ask(port, { tls: trust, body: "x".repeat(100_000) });
      assert.deepEqual([answer.status, answer.body.length], [200, 100_000]);
      assert.deepEqual(await shownBy(port), { name: "one", protocol: "TLSv1.3", alpn: "http/1.1" });
      const headers = replica.seen[0]!.headers.map((text) => text.toLowerCase());
      assert.equal(headers[headers.indexOf("x-forwarded-proto") + 1], "https");
      assert.equal(headers[headers.indexOf("x-forwarded-for") + 1], "127.0.0.1");
    });

    it("closes a connection that speaks in clear without an answer, and no replica hears of it", async () => {
      const replica = await startReplica();
      const port = await serving([replica], one);
      const client = new RawClient(port);
      client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      await until("it was closed", () => client.closed);
      assert.doesNotMatch(client.received, /HTTP/);
      await assert.rejects(ask(port));
      assert.deepEqual(replica.seen, []);
      assert.equal((await ask(port, { tls: trust })).status, 200);
    });

    it("lets go of a client that goes away before its handshake is through", async () => {
      const client = new RawClient(await serving([await startReplica()], one));
      client.socket.end();
      await until("it was closed", () => client.closed, 10_000);
    });

    it("refuses versions of TLS before 1.2", async () => {
      const port = await serving([await startReplica()], one);
      const old: Tls = { ...trust, maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" };
      await assert.rejects(ask(port, { tls: { ...old, minVersion: "TLSv1" } as Tls }));
      assert.equal((await ask(port, { tls: { ...trust, maxVersion: "TLSv1.2" } })).status, 200);
    });

    it("takes another certificate while connections stay open, which lose nothing", async () => {
      let finish = (): void => undefined;
      const replica = await startListening((req, res) => {
        if (req.url !== "/stream") return res.end("ok");
        res.write("first");
        finish = () => res.end("last");
      });
      const port = await serving([replica], one);
      const stream = new RawClient(port, trust);
      stream.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("the stream began", () => stream.received.includes("first"));
      const agent = new Agent({ keepAlive: true, maxSockets: 4, ca: trust.ca });
      const load = new Load(port, 4, () => ({ tls: trust, body: "x".repeat(2000) }), agent);
      const newcomers = new Load(port, 1, () => ({ tls: trust }), new Agent());
      for (const pair of [other, one, other]) {
        const soFar = load.requests + newcomers.requests;
        assert.equal(await serving([replica], pair), port);
        assert.equal((await shownBy(port)).name, pair === one ? "one" : "other");
        await until("the load ran on", () => load.requests + newcomers.requests > soFar + 20);
      }
      await Promise.all([load.stop(), newcomers.stop()]);
      assert.deepEqual([...load.failures, ...newcomers.failures], []);
      assert.equal(nameOf(stream.socket as TLSSocket), "one");
      finish();
      await until("the stream ended whole", () => stream.received.endsWith("0\r\n\r\n"));
      stream.close();
    });

    it("begins to speak TLS, and ceases to, while it serves", async () => {
      const replica = await startReplica();
      const port = await subject.serve(primaryOnly([replica]));
      const inClear = new RawClient(port);
      const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
      inClear.send(request);
      await until("it was answered", () => inClear.received.endsWith(replica.id));
      assert.equal(await serving([replica], one), port);
      assert.equal((await ask(port, { tls: trust })).status, 200);
      await assert.rejects(ask(port));
      // What it had it keeps for one more answer.
      if (!inClear.closed) inClear.send(request);
      await until("it was told to connect anew", () => inClear.closed);
      assert.equal(await subject.serve(primaryOnly([replica])), port);
      assert.equal((await ask(port)).status, 200);
    });

    it("does not serve in clear what is to be TLS when its certificate is missing or of no use", async () => {
      const replica = await startReplica();
      const port = await subject.serve(primaryOnly([replica]));
      const before = (await subject.report()).generation;
      const desired = primaryOnly([replica], { tls: tlsOf(one) });
      for (const pair of [
        undefined,
        { ...one, privateKey: other.privateKey },
        { ...one, certificate: "no certificate" },
      ])
        await assert.rejects(subject.plane.apply(desired, pair), /balancer\.tls/);
      assert.equal((await subject.report()).generation, before);
      assert.equal((await ask(port)).status, 200);
      assert.equal(await serving([replica], one), port);
      await assert.rejects(ask(port));
    });

    it("passes each event of a stream on as it comes, and lets a broken one be seen", async () => {
      const events: (() => void)[] = [];
      const replica = await startListening((_req, res) => {
        res.writeHead(200, { "content-type": "text/event-stream" });
        res.flushHeaders();
        events.push(
          () => res.write("data: one\n\n"),
          () => res.socket!.resetAndDestroy(),
        );
      });
      const client = new RawClient(await serving([replica], one), trust);
      client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      await until("the head came", () => client.received.includes("text/event-stream"));
      events[0]!();
      await until("the first event came", () => client.received.includes("data: one\n\n"));
      events[1]!();
      await until("the connection broke off", () => client.closed);
      assert.doesNotMatch(client.received, /\r\n0\r\n\r\n$/);
    });

    it("joins the two ends of a WebSocket", async () => {
      const replica = await startEcho();
      const client = await connected(await serving([replica], one), "", trust);
      const bytes = "\0\xff and more".repeat(20_000);
      client.send(bytes);
      await until("every byte came back", () => client.received.endsWith(`\r\n\r\n${replica.id}:${bytes}`));
      client.close();
    });

    it("checks the health of its replicas in clear", async () => {
      const [well, ill] = [await startReplica(), await startReplica()];
      const port = await serving([well, ill], one);
      await ill.stop();
      await until("the checks have told", async () => (await subject.report()).replicas[ill.id]!.healthy === false);
      assert.equal((await subject.report()).replicas[well.id]!.healthy, true);
      assert.equal((await ask(port, { tls: trust })).body, well.id);
    });
  });
}

function nameOf(socket: TLSSocket): string {
  return String(socket.getPeerCertificate().subject.CN);
}
