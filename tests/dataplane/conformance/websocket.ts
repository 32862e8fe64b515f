import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import type { DesiredReplica } from "../../../provider/core/routing";
import { ask, RawClient, type Tls } from "../support/client";
import { startRawReplica, startReplica, type TestReplica } from "../support/replica";
import { CANARY, PRIMARY, primaryOnly, route, routing, version } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = createHash("sha1").update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
const SWITCH =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  `Sec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`;

function handshake(more = "", path = "/"): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n` +
    `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n${more}\r\n`
  );
}

/** Agrees to each handshake and says every byte again, with its own id before the first. */
export async function startEcho(): Promise<TestReplica & { heads: string[]; sockets: Socket[] }> {
  const heads: string[] = [];
  const sockets: Socket[] = [];
  const replica = await startRawReplica((socket, text) => {
    if (sockets.includes(socket)) {
      socket.write(text, "latin1");
      return;
    }
    sockets.push(socket);
    heads.push(text);
    socket.write(`${SWITCH}${replica.id}:`);
  });
  return Object.assign(replica, { heads, sockets });
}

/** A client whose handshake was agreed to, by a replica that has said its name. */
export async function connected(port: number, more = "", tls?: Tls): Promise<RawClient> {
  const client = new RawClient(port, tls);
  client.send(handshake(more));
  await until("the WebSocket is open", () => /^HTTP\/1\.1 101 [^]*\r\n\r\n[^]+:/.test(client.received));
  return client;
}

/** What came after the head of the response. */
function said(client: RawClient): string {
  return client.received.slice(client.received.indexOf("\r\n\r\n") + 4);
}

export function switchesToWebSocket(subject: Subject): void {
  const inFlight = async ({ id }: DesiredReplica): Promise<number> =>
    (await subject.report()).replicas[id]?.inFlight ?? 0;

  describe("WebSockets", () => {
    it("go both ways, byte by byte, after a handshake that both ends see as it was meant", async () => {
      const replica = await startEcho();
      const client = await connected(await subject.serve(primaryOnly([replica])), "Sec-WebSocket-Protocol: chat\r\n");
      const sent = replica.heads[0]!.toLowerCase();
      assert.match(sent, /\r\nconnection: upgrade\r\n/);
      assert.match(sent, /\r\nupgrade: websocket\r\n/);
      assert.match(sent, /\r\nsec-websocket-protocol: chat\r\n/);
      assert.match(sent, /\r\nx-forwarded-for: 127\.0\.0\.1\r\n/);
      assert.ok(client.received.includes(ACCEPT));
      assert.match(client.received.toLowerCase(), /\r\nupgrade: websocket\r\n/);
      assert.match(client.received.toLowerCase(), new RegExp(`\r\nx-pulumi-serve-revision: ${PRIMARY}\r\n`));
      // No HTTP at all, and nothing that is not text either.
      const bytes = "GET /not-a-request HTTP/1.1\r\n\r\n\0\xff\x81";
      client.send(bytes);
      await until("they came back", () => said(client) === `${replica.id}:${bytes}`);
      client.close();
    });

    it("count as in flight until they are closed, also for the choice of the next request", async () => {
      const [one, other] = [await startEcho(), await startEcho()];
      const port = await subject.serve(primaryOnly([one, other]));
      const first = await connected(port);
      const second = await connected(port);
      assert.notEqual(said(first), said(second));
      assert.deepEqual([await inFlight(one), await inFlight(other)], [1, 1]);
      const owner = said(first).startsWith(one.id) ? one : other;
      first.close();
      await until("its place is free", async () => (await inFlight(owner)) === 0);
      const third = await connected(port);
      assert.equal(said(third), `${owner.id}:`);
      second.close();
      third.close();
    });

    it("go on while their replica drains, which has not drained before they are closed", async () => {
      const [old, fresh] = [await startEcho(), await startReplica()];
      const port = await subject.serve(primaryOnly([old]));
      const client = await connected(port);
      await subject.serve(routing([route({ primary: version(1, [fresh]), draining: [old] })]));
      assert.equal((await ask(port)).body, fresh.id);
      client.send("still here");
      await until("it came back", () => said(client).endsWith("still here"));
      assert.equal(await inFlight(old), 1);
      client.close();
      await until("it has drained", async () => (await inFlight(old)) === 0);
    });

    it("go to the version that they name, and by the split without a name", async () => {
      const [primary, canary] = [await startEcho(), await startEcho()];
      const port = await subject.serve(
        routing([route({ primary: version(1, [primary]), canary: version(1, [canary], CANARY) })]),
      );
      const pinned = await connected(port, "X-Pulumi-Serve-Version: canary\r\n");
      assert.equal(said(pinned), `${canary.id}:`);
      const before = (await subject.report()).routes["/"]!.firstAttempts;
      const clients = [pinned];
      for (let each = 0; each < 4; each += 1) clients.push(await connected(port));
      const toCanary = clients.slice(1).filter((client) => said(client) === `${canary.id}:`).length;
      for (const client of clients) client.close();
      // Each worker has a window of its own, of which it may have begun half.
      assert.ok(Math.abs(toCanary - 2) <= Math.floor(subject.workers / 2), `${toCanary} of 4 went to the canary`);
      await subject.settled();
      await until("the split has counted them", async () => {
        const { primary, canary } = (await subject.report()).routes["/"]!.firstAttempts;
        return primary + canary - before.primary - before.canary >= 4;
      });
    });

    it("that one side ends are heard to their end by it", async () => {
      const replica = await startEcho();
      const port = await subject.serve(primaryOnly([replica]));
      const client = await connected(port);
      let ended = false;
      replica.sockets[0]!.on("end", () => (ended = true));
      client.socket.end();
      await until("the replica heard of it", () => ended);
      replica.sockets[0]!.end();
      await until("both are through", () => client.closed);

      const other = await connected(port);
      replica.sockets[1]!.end("last words");
      await until("the client heard of it, and all that was said before", () => other.closed);
      assert.ok(said(other).endsWith("last words"));
    });

    it("are closed when neither side has said anything for webSocketIdleSeconds", async () => {
      const replica = await startEcho();
      const client = await connected(await subject.serve(primaryOnly([replica], { webSocketIdleSeconds: 0.5 })));
      await until("it was closed", () => client.closed);
    });

    it("end with their replica", async () => {
      const replica = await startEcho();
      const client = await connected(await subject.serve(primaryOnly([replica])));
      await replica.stop();
      await until("it was closed", () => client.closed);
    });

    it("that a replica refuses get its answer", async () => {
      const replica = await startReplica((_req, res) => {
        res.statusCode = 403;
        res.end("not for you");
      });
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send(handshake());
      await until("it was answered", () => client.received.endsWith("not for you"));
      assert.match(client.received, /^HTTP\/1\.1 403 /);
      client.close();
    });

    it("are tried at another replica as long as none has answered", async () => {
      const dead = await startRawReplica((socket) => socket.destroy());
      const replica = await startEcho();
      const port = await subject.serve(primaryOnly([dead, replica]));
      for (let each = 0; each < 2; each += 1) {
        const client = await connected(port);
        assert.equal(said(client), `${replica.id}:`);
        client.close();
      }
    });

    it("wait for room as every request does", async () => {
      const replica = await startEcho();
      const port = await subject.serve(primaryOnly([replica], { maxInFlightPerReplica: 1 }));
      const first = await connected(port);
      const second = new RawClient(port);
      second.send(handshake());
      await until("the second waits", async () => (await subject.report()).routes["/"]!.queued === 1);
      first.close();
      await until("the second has its turn", () => said(second) === `${replica.id}:`);
      second.close();
    });

    it("hold a fast replica back while the client reads slowly, and lose nothing", async () => {
      const total = 64 * 1024 * 1024;
      let written = 0;
      const replica = await startRawReplica((socket) => {
        const piece = Buffer.alloc(256 * 1024, "x");
        const pump = (): void => {
          while (written < total) {
            written += piece.length;
            if (!socket.write(piece)) return;
          }
        };
        socket.on("drain", pump);
        socket.write(SWITCH);
        pump();
      });
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.socket.pause();
      client.send(handshake());
      let [last, looks] = [-1, 0];
      await until("nobody takes any more", () => {
        looks = written > 0 && written === last ? looks + 1 : 0;
        last = written;
        return looks === 20;
      });
      // Nobody reads yet: what the replica got rid of sits in the sockets' buffers, or it would be in our memory.
      assert.ok(written < total / 2, `${written} bytes went to a client that reads nothing`);
      let bytes = 0;
      client.socket.removeAllListeners("data");
      client.socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
      client.socket.resume();
      await until("every byte came", () => bytes > total);
      client.close();
    });

    it("are nothing that a replica can switch to unasked", async () => {
      const replica = await startRawReplica((socket) => socket.end(`${SWITCH}HTTP/1.1 200 OK\r\n\r\n`));
      const port = await subject.serve(primaryOnly([replica]));
      assert.equal((await ask(port)).status, 502);
    });

    for (const [name, wish] of [
      ["h2c", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"],
      ["TLS", "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"],
      ["a list", "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n"],
    ] as const) {
      it(`are the only protocol that is switched to: a wish for another is not passed on: ${name}`, async () => {
        const replica = await startReplica((_req, res, body) => res.end(`${body.toString("latin1")} to you`));
        const client = new RawClient(await subject.serve(primaryOnly([replica])));
        client.send(`POST / HTTP/1.1\r\nHost: x\r\n${wish}Content-Length: 5\r\n\r\nhello`);
        await until("it was answered", () => client.received.endsWith("hello to you"));
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        await until("the connection goes on", () => client.received.endsWith(" to you") && replica.seen.length === 2);
        const names = replica.seen[0]!.headers.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
        assert.ok(!names.includes("upgrade") && !names.includes("http2-settings"), names.join());
        client.close();
      });
    }

    it("let nothing of what the client says past its replica's refusal", async () => {
      let answer = (): void => undefined;
      const texts: string[] = [];
      const replica = await startRawReplica((socket, text) => {
        texts.push(text);
        answer = () => socket.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
      });
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send(handshake());
      await until("the replica was asked", () => texts.length === 1);
      client.send("\x81\x05hello");
      answer();
      await until("it is over", () => client.closed || client.received.includes("403"));
      client.close();
      await subject.settled();
      assert.ok(!texts.join("").includes("hello"));
    });
  });
}
