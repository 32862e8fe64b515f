import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { makeKeyPair, whyNoCertificates } from "./support/certificate";
import { RawClient } from "./support/client";
import { startEngine, type ProcessUnderTest } from "./support/engine-process";
import { startListening, startRawReplica, startReplica } from "./support/replica";
import { primaryOnly, tlsOf } from "./support/routing";
import { subjectOf } from "./support/subject";
import { until } from "./support/until";

const get = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`;

describe("a client's connection to the embedded data plane", () => {
  let engine: ProcessUnderTest;
  const subject = subjectOf(async () => (engine = await startEngine("embedded")));

  it("gets the answers before the one that refuses it, and is closed after that", async () => {
    let first: ServerResponse | null = null;
    const replica = await startListening((_req, res) => (first = res));
    const client = new RawClient(await subject.serve(primaryOnly([replica])));
    client.send(`${get("/1")}NONSENSE\r\n\r\n${get("/3")}`);
    await until("the replica was asked", () => first !== null);
    assert.equal(client.received, "");
    first!.end("first");
    await until("it was closed", () => client.closed);
    assert.match(client.received, /^HTTP\/1\.1 200 [^]*first[^]*HTTP\/1\.1 400 [^]*\n$/);
    assert.equal(client.received.split("HTTP/1.1 ").length, 3);
  });

  it("holds a replica back whose answer is not on turn, and gets every byte in order", async () => {
    const total = 32 * 1024 * 1024;
    let written = 0;
    let first: ServerResponse | null = null;
    const replica = await startListening((req, res) => {
      if (req.url === "/1") {
        first = res;
        return;
      }
      const pump = (): void => {
        while (written < total) {
          written += 256 * 1024;
          if (!res.write(Buffer.alloc(256 * 1024, "y"))) return void res.once("drain", pump);
        }
        res.end();
      };
      pump();
    });
    const client = new RawClient(await subject.serve(primaryOnly([replica])));
    let bytes = 0;
    client.socket.removeAllListeners("data");
    client.socket.on("data", (chunk: Buffer) => {
      if (bytes === 0) assert.ok(chunk.includes("first"));
      bytes += chunk.length;
    });
    client.send(get("/1") + get("/2", "connection: close\r\n"));
    let [last, looks] = [-1, 0];
    await until("both were asked", () => first !== null && written > 0);
    await until("nobody takes any more", () => {
      looks = written === last ? looks + 1 : 0;
      last = written;
      return looks === 20;
    });
    assert.ok(written < total / 2, `${written} bytes were held`);
    first!.end("first");
    await until("all came", () => client.closed);
    assert.ok(bytes > total);
  });

  it("of HTTP/1.0 gets a body of unknown length by its end, and one of known length on a connection that stays", async () => {
    const replica = await startReplica((req, res) => {
      if (req.url === "/known") return void res.end("known");
      res.write("un");
      res.end("known");
    });
    const client = new RawClient(await subject.serve(primaryOnly([replica])));
    client.send("GET /known HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    await until("it was answered", () => client.received.endsWith("\r\n\r\nknown"));
    assert.match(client.received, /\r\nconnection: keep-alive\r\n/i);
    client.send("GET /unknown HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    await until("it was closed", () => client.closed);
    assert.ok(client.received.endsWith("\r\n\r\nunknown"), client.received);
    assert.ok(!/transfer-encoding/i.test(client.received));
  });

  it("of HTTP/1.0 sees a body of unknown length break off, with TLS too", async function () {
    if (whyNoCertificates !== null) {
      this.test!.title += ` - ${whyNoCertificates}`;
      this.skip();
    }
    const pair = makeKeyPair("old");
    const replica = await startListening((_req, res) => {
      res.write("half");
      setTimeout(() => res.socket!.resetAndDestroy(), 50);
    });
    const inClear = primaryOnly([replica]);
    for (const [desired, keyPair] of [[inClear], [primaryOnly([replica], { tls: tlsOf(pair) }), pair]] as const) {
      const client = new RawClient(await subject.serve(desired, keyPair), keyPair && { ca: keyPair.certificate });
      let broken = false;
      client.socket.on("error", () => (broken = true));
      client.send("GET / HTTP/1.0\r\n\r\n");
      await until("it was cut", () => client.closed);
      assert.ok(client.received.endsWith("\r\n\r\nhalf"), client.received);
      assert.ok(broken, "nothing tells it from the whole");
    }
  });

  it("goes on after an answer that came before the end of its upload, of which no other request gets a byte", async () => {
    const texts: string[] = [];
    const early = await startRawReplica((socket, text) => {
      texts.push(text);
      if (text.includes(" HTTP/1.1\r\n")) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly");
    });
    const client = new RawClient(await subject.serve(primaryOnly([early])));
    client.send("POST /1 HTTP/1.1\r\nhost: x\r\ncontent-length: 39\r\n\r\nhalf");
    await until("it was answered early", () => client.received.endsWith("early"));
    client.send(get("/smuggled") + get("/2"));
    await until("the next one was answered", () => client.received.split("early").length === 3);
    client.close();
    assert.ok(!texts.join("").includes("smuggled"), texts.join(""));
  });

  it("is not let in when as many wait as may be in", async () => {
    const replica = await startReplica();
    const port = await subject.serve(primaryOnly([replica], { limits: { maxConnections: 1 } }));
    const [first, waiting, third] = [new RawClient(port), new RawClient(port), new RawClient(port)];
    await until("the third one was closed", () => third.closed);
    for (const client of [first, waiting]) client.send(get("/"));
    await until("the first one was answered", () => first.received.endsWith(replica.id));
    assert.deepEqual([waiting.received, waiting.closed], ["", false]);
    // One that gives up is not waited for.
    waiting.close();
    first.close();
    await until("there is room again", async () => {
      const client = new RawClient(port);
      client.send(get("/", "connection: close\r\n"));
      await until("it is over", () => client.closed);
      return client.received.endsWith(replica.id);
    });
  });

  it("that ends its side is not held open, whether it has asked or not", async () => {
    const replica = await startListening((_req, res) => void res.write("first"));
    const port = await subject.serve(primaryOnly([replica]));
    const [silent, asking] = [new RawClient(port), new RawClient(port)];
    asking.send(get("/"));
    await until("the stream began", () => asking.received.includes("first"));
    silent.socket.end();
    asking.socket.end();
    await until("both are closed", () => silent.closed && asking.closed);
    await subject.settled();
  });

  it("gets the whole of a large answer after which it is closed, though it reads late", async () => {
    const total = 8 * 1024 * 1024;
    const replica = await startListening((_req, res) => res.end(Buffer.alloc(total, "z")));
    const client = new RawClient(await subject.serve(primaryOnly([replica])));
    let bytes = 0;
    client.socket.removeAllListeners("data");
    client.socket.pause();
    client.send(get("/", "connection: close\r\n"));
    await until("it runs", async () => (await subject.report()).metrics[replica.id]!.attempts === 1);
    // Longer than a refused client is listened to.
    const until2s = performance.now() + 2000;
    await until("it has read late", () => performance.now() > until2s);
    client.socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
    client.socket.resume();
    await until("it was closed", () => client.closed);
    assert.ok(bytes > total, `${bytes} bytes came`);
    assert.ok(engine.pid > 0);
  });
});
