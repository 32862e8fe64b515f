import assert from "node:assert/strict";
import { constants, type IncomingHttpHeaders } from "node:http2";
import { shownBy } from "../support/certificate";
import { ask } from "../support/client";
import { askHttp2, END_HEADERS, END_STREAM, fieldBlock, FRAME, getFields } from "../support/http2";
import { http2Service } from "../support/http2-service";
import { startListening, startRawReplica, startReplica } from "../support/replica";
import { startReplicaProcess } from "../support/replica-process";
import { CANARY, primaryOnly, route, routing, tlsOf, version, balancer } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

/** As many as one connection may have at once, on either engine. */
const STREAMS = 100;

export function speaksHttp2(subject: Subject): void {
  describe("HTTP/2 to clients", () => {
    const service = http2Service(subject);

    it("is spoken with those who want to, beside HTTP/1.1", async () => {
      const replica = await startReplica((_req, res, body) => {
        res.setHeader("set-cookie", ["a=1", "b=2"]);
        res.setHeader("x-latin", "caf\u00e9");
        res.end(body);
      });
      const port = await service.serving([replica]);
      const session = service.open(port);
      const body = "x".repeat(300_000);
      const answer = await askHttp2(session, {
        path: "/p?q=1",
        body,
        headers: { "x-twice": ["1", "2"], cookie: "a=1; b=2" },
      });
      assert.deepEqual([answer.status, answer.body === body], [200, true]);
      assert.deepEqual(answer.headers["set-cookie"], ["a=1", "b=2"]);
      assert.equal(answer.headers["x-latin"], "caf\u00e9");
      assert.equal(answer.headers["x-pulumi-serve-revision"], "aaaaaaaaaaaaaaaa");
      const both = await Promise.all([askHttp2(session, { body: "a" }), askHttp2(session, { body: "bc" })]);
      assert.deepEqual(
        both.map(({ body }) => body),
        ["a", "bc"],
      );
      assert.equal((await ask(port, { tls: service.trust })).status, 200);
      const [seen] = replica.seen;
      const value = (name: string) => seen!.headers[seen!.headers.findIndex((text) => text.toLowerCase() === name) + 1];
      assert.deepEqual([seen!.method, seen!.url], ["POST", "/p?q=1"]);
      assert.deepEqual(["host", "cookie", "x-forwarded-proto", "x-forwarded-for"].map(value), [
        `127.0.0.1:${port}`,
        "a=1; b=2",
        "https",
        "127.0.0.1",
      ]);
    });

    it("is offered and withdrawn live, for new connections", async () => {
      const replica = await startReplica();
      const port = await service.serving([replica]);
      const both = ["h2", "http/1.1"];
      assert.equal((await shownBy(port, both)).alpn, "h2");
      await subject.serve(primaryOnly([replica], { tls: tlsOf(service.pair) }), service.pair);
      assert.equal((await shownBy(port, both)).alpn, "http/1.1");
      await service.serving([replica]);
      assert.equal((await shownBy(port, both)).alpn, "h2");
      assert.equal((await askHttp2(service.open(port))).status, 200);
    });

    it("keeps the split exact over the streams of one connection, and pins", async () => {
      const [primary, canary] = [await startReplica(), await startReplica()];
      const routes = [route({ primary: version(3, [primary]), canary: version(2, [canary], CANARY) })];
      const session = service.open(await service.serve(routing(routes, { balancer: balancer() })));
      const answers = await Promise.all(Array.from({ length: 50 }, () => askHttp2(session)));
      assert.equal(answers.filter(({ body }) => body === canary.id).length, 20);
      const pinned = await askHttp2(session, { headers: { "x-pulumi-serve-version": "canary" } });
      assert.equal(pinned.body, canary.id);
      assert.equal((await askHttp2(session, { headers: { "x-pulumi-serve-version": "other" } })).status, 503);
    });

    it("answers what it refuses with the sentences of HTTP/1.1, and goes on", async () => {
      const replica = await startReplica();
      const token = "0123456789abcdef";
      const tokens = ["sha256:9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f"];
      const port = await service.serving([replica], { maxHeaderBytes: 2000, maxBodyBytes: 1000, tokens });
      const session = service.open(port);
      const headers = { authorization: `Bearer ${token}` };
      const without = await askHttp2(session);
      assert.deepEqual([without.status, without.headers["www-authenticate"]], [401, "Bearer"]);
      assert.equal((await askHttp2(session, { headers: { ...headers, "x-large": "x".repeat(2500) } })).status, 431);
      const large = await askHttp2(session, {
        headers: { ...headers, "content-length": "1001" },
        body: "x".repeat(1001),
      });
      assert.equal(large.status, 413);
      assert.match(large.body, /larger than 1000 bytes \(balancer\.maxBodyBytes\)\.\n$/);
      assert.equal((await askHttp2(session, { headers })).body, replica.id);
    });

    it("sends the head and each event of a stream on as they come", async () => {
      let event = (): void => undefined;
      const replica = await startListening((_req, res) => {
        res.writeHead(200, { "content-type": "text/event-stream" });
        res.flushHeaders();
        event = () => res.end("data: one\n\n");
      });
      const stream = service.open(await service.serving([replica])).request({ ":path": "/" });
      let [status, text] = [0, ""];
      stream.on("response", (fields) => (status = fields[":status"]!));
      stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
      await until("the head came", () => status === 200);
      event();
      await until("the event came", () => text === "data: one\n\n" && stream.closed);
      assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
    });

    it("lets it be seen that an answer of unknown length broke off", async () => {
      const replica = await startListening((_req, res) => res.write("part", () => res.socket!.resetAndDestroy()));
      const client = await service.frames(await service.serving([replica]));
      client.send(FRAME.headers, END_HEADERS | END_STREAM, 1, fieldBlock(getFields()));
      const came = (type: number) => client.frames.filter((frame) => frame.stream === 1 && frame.type === type);
      await until("the stream broke off", () => came(FRAME.reset).length === 1);
      assert.ok(came(FRAME.data).every(({ flags }) => (flags & END_STREAM) === 0));
    });

    it("tells the replica of a client that takes a request back, before its answer and in the midst of it", async () => {
      let [asked, left] = [0, 0];
      const replica = await startListening((req, res) => {
        asked += 1;
        if (req.url === "/begun") res.write("begun");
        res.on("close", () => (left += 1));
      });
      const session = service.open(await service.serving([replica]));
      for (const [index, path] of ["/", "/begun"].entries()) {
        const stream = session.request({ ":method": "POST", ":path": path }, { endStream: index === 0 });
        stream.on("error", () => undefined);
        await until("the replica was asked", () => asked === index + 1);
        stream.close(constants.NGHTTP2_CANCEL);
        await until("the replica was left", () => left === index + 1);
      }
      await subject.settled();
    });

    for (const [method, status] of [
      ["HEAD", 200],
      ["GET", 204],
      ["GET", 304],
      ["OPTIONS", 200],
    ] as const) {
      it(`passes on an answer without a body: ${method}, ${status}`, async () => {
        const replica = await startReplica((req, res) => {
          res.writeHead(status, req.method === "HEAD" ? { "content-length": "7" } : { "x-empty": "yes" });
          res.end();
        });
        const session = service.open(await service.serving([replica]));
        const answer = await askHttp2(session, { method });
        assert.deepEqual([answer.status, answer.body], [status, ""]);
        if (method === "HEAD") assert.equal(answer.headers["content-length"], "7");
        assert.equal((await askHttp2(session, { method })).status, status);
      });
    }

    it("asks another replica as long as no byte of an answer has come, with the whole body", async () => {
      const dying = await startRawReplica((socket) => socket.destroy());
      const replica = await startReplica((_req, res, body) => res.end(String(body.length)));
      const session = service.open(await service.serving([dying, replica]));
      for (let sent = 0; sent < 4; sent += 1)
        assert.equal(
          (await askHttp2(session, { body: "x".repeat(5000), headers: { "content-length": "5000" } })).body,
          "5000",
        );
    });

    it("loses no request to a replica that is killed under load", async () => {
      const replicas = await Promise.all(["a", "b", "c"].map((id) => startReplicaProcess(`h2-${id}`)));
      const session = service.open(await service.serving(replicas));
      let [running, done] = [true, 0];
      const failures: string[] = [];
      const client = async (): Promise<void> => {
        while (running) {
          const headers = { "content-length": "2000" };
          const answer = await askHttp2(session, { body: "x".repeat(2000), headers }).catch(
            (error: Error) => error.message,
          );
          if (typeof answer === "string" || answer.body !== "2000") failures.push(JSON.stringify(answer));
          done += 1;
        }
      };
      const clients = Array.from({ length: 8 }, client);
      await until("the load runs", () => done > 100);
      await replicas[0]!.kill();
      const killedAt = done;
      await until("the load ran on", () => done > killedAt + 100);
      running = false;
      await Promise.all(clients);
      assert.deepEqual(failures, []);
    });

    it("holds a fast replica back while its client reads slowly, and delivers every byte to it and to others meanwhile", async () => {
      const total = 32 * 1024 * 1024;
      let written = 0;
      const replica = await startListening((req, res) => {
        if (req.url === "/small") return res.end("small");
        const piece = Buffer.alloc(64 * 1024, "x");
        const pump = (): void => {
          while (written < total) {
            written += piece.length;
            if (!res.write(piece)) return void res.once("drain", pump);
          }
          res.end();
        };
        pump();
      });
      const session = service.open(await service.serving([replica], { replayBufferBytes: 0 }));
      const stream = session.request({ ":path": "/" });
      let read = 0;
      // Nobody reads yet: what the replica gets rid of sits in the sockets' buffers, or it would be in our memory.
      let last = -1;
      await until("the replica is held back", async () => {
        const stalled = written > 0 && written === last;
        last = written;
        if (!stalled) await new Promise((resolve) => setTimeout(resolve, 100));
        return stalled;
      });
      assert.ok(written < total, `${written} bytes went to a client that reads nothing`);
      assert.equal((await askHttp2(session, { path: "/small" })).body, "small");
      stream.on("data", (chunk: Buffer) => (read += chunk.length));
      await new Promise((resolve) => stream.on("end", resolve));
      assert.equal(read, total);
    });

    it("holds a fast client back while its replica reads slowly, and not the others on its connection", async () => {
      let waiting: (() => void) | null = null;
      const replica = await startListening((req, res) => {
        let received = 0;
        const take = (): void => {
          req.on("data", (chunk: Buffer) => (received += chunk.length));
          req.on("end", () => res.end(String(received)));
        };
        if (req.url === "/slow") waiting = take;
        else take();
      });
      const session = service.open(await service.serving([replica], { maxBodyBytes: 2 ** 30 }));
      const body = Buffer.alloc(8 * 1024 * 1024, "x");
      const slow = askHttp2(session, { path: "/slow", body });
      await until("the slow one is at its replica", () => waiting !== null);
      const fast = await askHttp2(session, { path: "/fast", body: "x".repeat(400_000) });
      assert.equal(fast.body, "400000");
      waiting!();
      assert.equal((await slow).body, String(body.length));
    });

    it("goes on after an answer that came before the end of its upload", async () => {
      const replica = await startListening((req, res) => {
        if (req.method === "POST") res.writeHead(403).end("early");
        else res.end("next");
      });
      const session = service.open(await service.serving([replica], { retry: { attempts: 0, nonIdempotent: false } }));
      const stream = session.request({ ":method": "POST", ":path": "/" });
      let [status, text] = [0, ""];
      stream.on("error", () => undefined);
      stream.on("response", (fields) => (status = fields[":status"]!));
      stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
      stream.write("part");
      await until("the answer came", () => status === 403 && text === "early");
      stream.close();
      assert.equal((await askHttp2(session)).body, "next");
    });

    it("passes trailers on in both directions", async () => {
      const replica = await startReplica((req, res) => {
        res.writeHead(200, { trailer: "x-sum" });
        res.write("ok");
        res.addTrailers({ "x-sum": `of ${req.rawTrailers.join(" ").toLowerCase()}` });
        res.end();
      });
      const stream = service
        .open(await service.serving([replica]))
        .request({ ":method": "POST", ":path": "/" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-up": "9" }));
      let trailers: IncomingHttpHeaders = {};
      stream.on("trailers", (fields: IncomingHttpHeaders) => (trailers = fields));
      stream.end("hi");
      stream.resume();
      await new Promise((resolve) => stream.on("close", resolve));
      assert.deepEqual([stream.rstCode, trailers["x-sum"]], [0, "of x-up 9"]);
    });

    it("passes early hints on before the response is there", async () => {
      let respond = (): void => undefined;
      const replica = await startRawReplica((socket) => {
        socket.write("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n");
        respond = () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      });
      const stream = service.open(await service.serving([replica])).request({ ":path": "/" });
      let hints: IncomingHttpHeaders = {};
      let text = "";
      stream.on("headers", (fields) => (hints = fields));
      stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
      await until("the hints came", () => hints["link"] === "</style.css>");
      respond();
      await until("the response came", () => text === "ok");
    });

    it("grants Expect: 100-continue when a replica is there to take the body", async () => {
      const replica = await startReplica((_req, res, body) => res.end(body));
      const stream = service.open(await service.serving([replica])).request({
        ":method": "POST",
        ":path": "/",
        expect: "100-continue",
      });
      let text = "";
      stream.on("continue", () => stream.end("body"));
      stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
      await new Promise((resolve) => stream.on("end", resolve));
      assert.equal(text, "body");
    });

    it(`lets one connection have ${STREAMS} requests at once, and those beyond wait for their turn`, async () => {
      const held: (() => void)[] = [];
      let most = 0;
      const replica = await startListening((_req, res) => {
        held.push(() => res.end("ok"));
        most = Math.max(most, held.length);
      });
      const session = service.open(await service.serving([replica]));
      await new Promise((resolve) => session.once("remoteSettings", resolve));
      let done = 0;
      const all = Array.from({ length: STREAMS + 20 }, async () => {
        const answer = await askHttp2(session);
        done += 1;
        return answer.status;
      });
      await until("as many as may are at the replica", () => held.length === STREAMS);
      assert.equal((await subject.report()).replicas[replica.id]!.inFlight, STREAMS);
      while (done < all.length) {
        for (const release of held.splice(0)) release();
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok((await Promise.all(all)).every((status) => status === 200));
      assert.equal(most, STREAMS);
    });

    it("ends a connection by GOAWAY when TLS ceases, after the answers that are under way", async () => {
      let finish = (): void => undefined;
      const replica = await startListening((_req, res) => {
        res.write("first");
        finish = () => res.end("last");
      });
      const port = await service.serving([replica]);
      const session = service.open(port);
      const stream = session.request({ ":path": "/" });
      let [text, told] = ["", false];
      session.on("goaway", () => (told = true));
      stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
      await until("the stream began", () => text === "first");
      await subject.serve(primaryOnly([replica]));
      finish();
      await until("the stream ended whole", () => text === "firstlast" && stream.closed);
      assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
      if (!told && !session.closed) session.request({ ":path": "/" }).on("error", () => undefined);
      await until("the client was told to connect anew", () => told || session.closed);
      finish();
    });
  });
}
