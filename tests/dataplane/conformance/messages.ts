import assert from "node:assert/strict";
import { ask, RawClient } from "../support/client";
import { startRawReplica, startReplica } from "../support/replica";
import { primaryOnly } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

export function handlesMessages(subject: Subject): void {
  describe("header fields", () => {
    /** By name in lower case; a field that is there twice means the list of both. */
    const fieldsOf = (raw: string[]): Map<string, string> => {
      const fields = new Map<string, string>();
      for (let at = 0; at < raw.length; at += 2) {
        const [name, value] = [raw[at]!.toLowerCase(), raw[at + 1]!];
        fields.set(name, fields.has(name) ? `${fields.get(name)}, ${value}` : value);
      }
      return fields;
    };

    it("of the hop are not passed to the replica, all others are", async () => {
      const replica = await startReplica();
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send(
        "GET / HTTP/1.1\r\nHost: shop.example:81\r\nConnection: keep-alive\r\nKeep-Alive: timeout=9\r\n" +
          "Proxy-Connection: keep-alive\r\nTE: trailers\r\nUpgrade: websocket\r\nProxy-Authorization: x\r\n" +
          "Authorization: Bearer t\r\nX-Forwarded-For: 10.0.0.1\r\nX-Twice: 1\r\nX-Twice: 2\r\nConstructor: me\r\n\r\n",
      );
      await until("it was answered", () => client.received.includes(replica.id));
      client.close();
      const raw = replica.seen[0]!.headers;
      const fields = fieldsOf(raw);
      assert.equal(fields.get("constructor"), "me");
      for (const hop of ["keep-alive", "proxy-connection", "te", "upgrade", "proxy-authorization", "connection"])
        assert.ok(!fields.has(hop), `${hop} is not passed on`);
      assert.equal(fields.get("host"), "shop.example:81");
      assert.equal(fields.get("authorization"), "Bearer t");
      assert.equal(fields.get("x-forwarded-for"), "10.0.0.1, 127.0.0.1");
      assert.equal(fields.get("x-forwarded-proto"), "http");
      assert.equal(fields.get("x-twice"), "1, 2");
    });

    it("that the client names as the hop's are not passed to the replica, and names keep their spelling", async () => {
      const replica = await startReplica();
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send(
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Case-Kept: Yes\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\n",
      );
      await until("it was answered", () => client.received.includes(replica.id));
      client.close();
      const raw = replica.seen[0]!.headers;
      assert.ok(!fieldsOf(raw).has("x-hop"));
      assert.ok(raw.includes("X-Case-Kept"));
      assert.equal(raw.filter((name) => name === "X-Twice").length, 2);
    });

    it("that routing and framing rest on cannot be named away", async () => {
      const replica = await startReplica((_req, res, body) => res.end(body));
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send(
        "POST / HTTP/1.1\r\nhost: x\r\nconnection: content-length, host, x-forwarded-for\r\ncontent-length: 4\r\n\r\nbody",
      );
      await until("it was answered", () => client.received.endsWith("body"));
      client.close();
      const fields = fieldsOf(replica.seen[0]!.headers);
      assert.equal(fields.get("content-length"), "4");
      assert.equal(fields.get("x-forwarded-for"), "127.0.0.1");
    });

    it("of the replica's hop are not passed to the client, repeated ones all are", async () => {
      const replica = await startRawReplica((socket) =>
        socket.write(
          "HTTP/1.1 201 Made It\r\nConnection: close\r\nKeep-Alive: timeout=1\r\nTrailer: X\r\n" +
            "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nConstructor: me\r\nContent-Length: 2\r\n\r\nok",
        ),
      );
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("it was answered", () => client.received.endsWith("ok"));
      assert.ok(client.received.startsWith("HTTP/1.1 201 Made It\r\n"));
      assert.ok(/set-cookie: a=1\r\nset-cookie: b=2\r\n/i.test(client.received), client.received);
      assert.ok(/constructor: me\r\n/i.test(client.received), client.received);
      assert.ok(!/timeout=1\r|trailer|connection: close/i.test(client.received), client.received);
      client.close();
    });

    it("that the replica names as the hop's are not passed to the client, and names keep their spelling", async () => {
      const replica = await startRawReplica((socket) =>
        socket.write(
          "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nok",
        ),
      );
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("it was answered", () => client.received.endsWith("ok"));
      assert.ok(client.received.includes("\r\nSet-Cookie: a=1\r\n"), client.received);
      assert.ok(!/x-hop/i.test(client.received), client.received);
      client.close();
    });

    for (const [which, host] of [
      ["the same authority as its Host", "real.example"],
      ["another authority than its Host", "other.example"],
    ]) {
      it(`of a request in absolute form with ${which} give the replica the path and the authority`, async () => {
        const replica = await startReplica();
        const client = new RawClient(await subject.serve(primaryOnly([replica])));
        client.send(`GET http://real.example/path?q=1 HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
        await until("it was answered", () => client.received.includes("\r\n\r\n"));
        client.close();
        assert.equal(replica.seen[0]?.url, "/path?q=1");
        assert.equal(fieldsOf(replica.seen[0].headers).get("host"), "real.example");
      });
    }
  });

  describe("limits", () => {
    it("of the header are answered 431", async () => {
      const replica = await startReplica();
      const port = await subject.serve(primaryOnly([replica], { maxHeaderBytes: 2000 }));
      assert.equal((await ask(port, { headers: { "x-large": "x".repeat(1500) } })).status, 200);
      assert.equal((await ask(port, { headers: { "x-large": "x".repeat(2500) } })).status, 431);
      assert.equal((await ask(port, { headers: { "x-large": "x".repeat(100_000) } })).status, 431);
    });

    it("of the request line and of the number of fields are answered, and no replica hears of it", async () => {
      const replica = await startReplica();
      const port = await subject.serve(primaryOnly([replica], { maxHeaderBytes: 8000 }));
      for (const [line, fields] of [
        [`/${"x".repeat(20_000)}`, ""],
        ["/", "x: 1\r\n".repeat(5000)],
      ]) {
        const client = new RawClient(port);
        client.send(`GET ${line} HTTP/1.1\r\nhost: x\r\n${fields}\r\n`);
        await until("it was refused", () => /^HTTP\/1\.1 4\d\d /.test(client.received));
        await until("the connection was closed", () => client.closed);
        client.close();
      }
      assert.deepEqual(replica.seen, []);
    });

    it("of what a chunked body may say besides its content are kept", async () => {
      const replica = await startReplica((_req, res, body) => res.end(String(body.length)));
      const port = await subject.serve(primaryOnly([replica]));
      const client = new RawClient(port);
      client.send("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
      for (let sent = 0; sent < 1000 && !client.closed; sent += 1) client.send(`1;${"e".repeat(100)}\r\nx\r\n`);
      client.send("0\r\n\r\n");
      await until("it was answered", () => /^HTTP\/1\.1 \d\d\d .*\r\n\r\n/s.test(client.received));
      assert.match(client.received, /^HTTP\/1\.1 4/);
      client.close();
    });

    it("of a body that tells its length are answered 413 at once", async () => {
      const replica = await startReplica((_req, res, body) => res.end(String(body.length)));
      const port = await subject.serve(primaryOnly([replica], { maxBodyBytes: 100_000 }));
      assert.equal((await ask(port, { body: Buffer.alloc(100_000) })).body, "100000");
      const declared = await ask(port, { body: Buffer.alloc(100_001) });
      assert.equal(declared.status, 413);
      assert.match(declared.body, /larger than 100000 bytes \(balancer\.maxBodyBytes\)\./);
    });

    it("of a body that does not tell its length are answered 413 when it is exceeded", async () => {
      const replica = await startReplica((_req, res, body) => res.end(String(body.length)));
      const port = await subject.serve(primaryOnly([replica], { maxBodyBytes: 100_000 }));
      const streamed = new RawClient(port);
      streamed.send("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
      streamed.send(`${(300_000).toString(16)}\r\n${"x".repeat(300_000)}\r\n0\r\n\r\n`);
      await until("it was refused", () => streamed.received.startsWith("HTTP/1.1 413"));
      streamed.close();
    });
  });

  describe("requests that two parsers could read in two ways", () => {
    const smuggled = "GET /admin HTTP/1.1\r\nhost: x\r\n\r\n";
    const chunked = (body: string): string => `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${body}`;
    const attempts: Record<string, string> = {
      "both Content-Length and Transfer-Encoding": `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
      "two Content-Lengths": `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: 32\r\n\r\n${smuggled}`,
      "the same Content-Length twice": `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nab`,
      "a list as Content-Length": "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2, 2\r\n\r\nab",
      "a signed Content-Length": "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +2\r\n\r\nab",
      "a coding before chunked": "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "an unknown coding": "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
      "a coding behind chunked": "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      "two Transfer-Encodings": `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n${smuggled}`,
      "a coding behind a vertical tab": `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n${smuggled}`,
      "a space before the colon": `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`,
      "a folded field": "GET / HTTP/1.1\r\nhost: x\r\nx-a: 1\r\n folded: 2\r\n\r\n",
      "a bare CR in a field": "GET / HTTP/1.1\r\nhost: x\r\nx-a: 1\rx-b: 2\r\n\r\n",
      "a bare LF for the end of a line": "GET / HTTP/1.1\r\nhost: x\nx-a: 1\r\n\r\n",
      "NUL in a field": "GET / HTTP/1.1\r\nhost: x\r\nx-a: 1\0\r\n\r\n",
      "NUL in a name": "GET / HTTP/1.1\r\nhost: x\r\nx-\0a: 1\r\n\r\n",
      "a line without a colon": "GET / HTTP/1.1\r\nhost: x\r\nx-a\r\n\r\n",
      "a target that is none": "GET admin HTTP/1.1\r\nhost: x\r\n\r\n",
      "two targets": "GET / /admin HTTP/1.1\r\nhost: x\r\n\r\n",
      "two Hosts": "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
      "no Host": "GET / HTTP/1.1\r\n\r\n",
      "a chunk size that is none":
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0x4\r\nbody\r\n0\r\n\r\n",
      "a chunk size that no number holds": chunked("fffffffffffffffff\r\nbody\r\n0\r\n\r\n"),
      "a negative chunk size": chunked("-4\r\nbody\r\n0\r\n\r\n"),
      "a chunk that is longer than it says": chunked(`4\r\nbody${smuggled}0\r\n\r\n`),
      "a bare LF behind a chunk size": chunked("4\nbody\r\n0\r\n\r\n"),
      "a line break in a chunk's extension": chunked(`4;a\nb\r\nbody\r\n0\r\n\r\n${smuggled}`),
    };
    it("never bring a second request to the replica", async () => {
      const replica = await startReplica();
      const port = await subject.serve(primaryOnly([replica]));
      for (const [name, bytes] of Object.entries(attempts)) {
        replica.seen.length = 0;
        const client = new RawClient(port);
        client.send(bytes);
        await until(`${name} was answered`, () => client.received.includes("\r\n\r\n"));
        // What was smuggled would be answered on the same connection, before this.
        client.send("GET /last HTTP/1.1\r\nhost: x\r\n\r\n");
        await until(`${name} is through`, () => client.closed || replica.seen.some(({ url }) => url === "/last"));
        client.close();
        assert.ok(!replica.seen.some(({ url }) => url === "/admin"), name);
      }
    });

    for (const [name, bytes] of Object.entries(attempts)) {
      it(`are refused: ${name}`, async () => {
        const replica = await startReplica();
        const client = new RawClient(await subject.serve(primaryOnly([replica])));
        client.send(bytes);
        await until("it was refused", () => /^HTTP\/1\.1 (400|501) /.test(client.received));
        await until("the connection was closed", () => client.closed);
        assert.ok(replica.seen.every(({ url }) => url !== "/admin"));
        client.close();
      });
    }
  });

  describe("responses that two parsers could read in two ways", () => {
    const attempts: Record<string, string> = {
      "both Content-Length and Transfer-Encoding":
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      "two Content-Lengths": "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok",
      "another coding than chunked": "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "a bare LF": "HTTP/1.1 200 OK\ncontent-length: 2\r\n\r\nok",
      "a folded field": "HTTP/1.1 200 OK\r\nx-a: 1\r\n x-b: 2\r\ncontent-length: 2\r\n\r\nok",
      "no status line": "hello\r\n\r\n",
      "a switch of protocols": "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
    };
    it("are 502, or what is passed on says one thing only", async () => {
      for (const [name, bytes] of Object.entries(attempts)) {
        const replica = await startRawReplica((socket) => socket.write(bytes));
        const retry = { attempts: 0, nonIdempotent: true };
        const port = await subject.serve(primaryOnly([replica], { retry, requestTimeoutSeconds: 0.5 }));
        const { status, headers, body } = await ask(port);
        if (status === 502 || status === 504) continue;
        assert.equal(status, 200, name);
        assert.ok(["", "ok"].includes(body), name);
        assert.ok(headers["content-length"] === undefined || headers["transfer-encoding"] === undefined, name);
      }
    });

    for (const [name, bytes] of Object.entries(attempts)) {
      it(`are 502: ${name}`, async () => {
        const replica = await startRawReplica((socket) => socket.write(bytes));
        const port = await subject.serve(primaryOnly([replica], { retry: { attempts: 0, nonIdempotent: true } }));
        assert.equal((await ask(port)).status, 502);
      });
    }

    it("are never mixed: bytes after a response do not reach the next request", async () => {
      const replica = await startRawReplica((socket) =>
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"),
      );
      const port = await subject.serve(primaryOnly([replica]));
      for (let sent = 0; sent < 5; sent += 1) assert.equal((await ask(port)).body, "ok");
    });
  });
}
