import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import type { ClientLimitsSpec } from "../../../provider/core/spec/pool";
import { ask, RawClient } from "../support/client";
import { askHttp2, END_HEADERS, END_STREAM, fieldBlock, FRAME, getFields } from "../support/http2";
import { http2Service } from "../support/http2-service";
import { startListening, startReplica, type TestReplica } from "../support/replica";
import { primaryOnly } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";
import { connected as webSocket, startEcho } from "./websocket";

const GET = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
/** More than the sockets on the way can hold. */
const LARGE = 64 * 1024 * 1024;
const DRIP_MS = 50;
const TIGHT: ClientLimitsSpec = { headSeconds: 0.5, bodySeconds: 0.5, idleSeconds: 0.5, stalledSeconds: 0.5 };

export function limitsClients(subject: Subject): void {
  describe("the limits of clients", () => {
    const clients: RawClient[] = [];
    const drips: NodeJS.Timeout[] = [];
    afterEach(() => {
      for (const drip of drips.splice(0)) clearInterval(drip);
      for (const client of clients.splice(0)) client.close();
    });
    const serving = (replica: TestReplica, limits: ClientLimitsSpec): Promise<number> =>
      subject.serve(primaryOnly([replica], { limits }));
    const connected = (port: number): RawClient => {
      const client = new RawClient(port);
      clients.push(client);
      return client;
    };
    /** Sends `text` again and again, until the connection is closed. */
    const drip = (client: RawClient, text: string): void => {
      drips.push(setInterval(() => !client.closed && client.send(text), DRIP_MS));
    };

    it("end a head that comes byte by byte and never ends with 408", async () => {
      const replica = await startReplica();
      const client = connected(await serving(replica, { headSeconds: 0.5 }));
      client.send("GET / HTTP/1.1\r\nhost: x\r\nx-slow: ");
      drip(client, "x");
      await until("it was closed", () => client.closed);
      assert.match(client.received, /^HTTP\/1\.1 408 /);
      assert.deepEqual(replica.seen, []);
    });

    it("end the slow head of a later request too, and leave a connection alone that has begun none", async () => {
      const replica = await startReplica();
      const client = connected(await serving(replica, { headSeconds: 0.5 }));
      client.send(GET);
      await until("it was answered", () => client.received.endsWith(replica.id));
      await passing(2000);
      assert.ok(!client.closed);
      client.received = "";
      client.send("GET / HTTP/1.1\r\n");
      drip(client, "x");
      await until("it was closed", () => client.closed);
      assert.match(client.received, /^HTTP\/1\.1 408 /);
      assert.equal(replica.seen.length, 1);
    });

    it("close a connection that has asked for nothing", async () => {
      const client = connected(await serving(await startReplica(), { headSeconds: 0.5 }));
      await until("it was closed", () => client.closed);
    });

    it("close a keep-alive connection that is idle, also where it sends empty lines", async () => {
      const replica = await startReplica();
      const port = await serving(replica, { idleSeconds: 1, headSeconds: 1 });
      const [silent, empty] = [connected(port), connected(port)];
      for (const client of [silent, empty]) client.send(GET);
      await until("both were answered", () => [silent, empty].every(({ received }) => received.endsWith(replica.id)));
      drip(empty, "\r\n");
      await until("both were closed", () => silent.closed && empty.closed);
      assert.equal(silent.received.split("HTTP/1.1 ").length, 2);
      assert.equal(replica.seen.length, 2);
    });

    for (const [name, head, piece] of [
      ["whose length is known", "content-length: 1000", "x"],
      ["whose length is not known", "transfer-encoding: chunked", "1\r\nx\r\n"],
    ] as const) {
      it(`end a body ${name} that comes byte by byte for longer than bodySeconds with 408`, async () => {
        const replica = await startReplica();
        const client = connected(await serving(replica, { bodySeconds: 1 }));
        client.send(`POST / HTTP/1.1\r\nhost: x\r\n${head}\r\n\r\n`);
        drip(client, piece);
        await until("it was closed", () => client.closed);
        assert.match(client.received, /^HTTP\/1\.1 408 [^]*balancer\.limits\.bodySeconds/);
        assert.deepEqual(replica.seen, []);
      });
    }

    for (const [name, head] of [
      ["known", "content-length: 1000"],
      ["unknown", "transfer-encoding: chunked"],
    ] as const) {
      it(`end a client that sends nothing of a body of ${name} length for stalledSeconds`, async () => {
        const replica = await startReplica();
        const client = connected(await serving(replica, { stalledSeconds: 0.5 }));
        client.send(`POST / HTTP/1.1\r\nhost: x\r\n${head}\r\n\r\n1\r\nx\r\n`);
        await until("it was closed", () => client.closed);
        assert.match(client.received, /^HTTP\/1\.1 408 /);
        assert.deepEqual(replica.seen, []);
      });
    }

    it("end a client that takes nothing of its response, and free its replica", async () => {
      const replica = await startPump();
      const client = connected(await serving(replica, { stalledSeconds: 1 }));
      client.socket.pause();
      client.send(GET);
      await until("its replica was let go", () => replica.letGo());
      await subject.settled();
      client.socket.resume();
      await until("it was closed", () => client.closed);
      assert.ok(client.received.length < LARGE);
    });

    it("leave a client alone that reads slowly", async () => {
      const replica = await startPump();
      const client = connected(await serving(replica, { stalledSeconds: 1 }));
      let bytes = 0;
      client.socket.removeAllListeners("data");
      client.socket.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > LARGE / 2) return;
        client.socket.pause();
        setTimeout(() => client.socket.resume(), 4);
      });
      client.send(GET);
      await until("all came", () => bytes > LARGE);
    });

    it("do not count the time in which a request waits for a replica", async () => {
      const running: ServerResponse[] = [];
      const replica = await startReplica((_req, res) => void running.push(res));
      const port = await subject.serve(primaryOnly([replica], { maxInFlightPerReplica: 1, limits: TIGHT }));
      const first = ask(port);
      await until("one runs", () => running.length === 1);
      const waiting = ask(port, { body: Buffer.alloc(512 * 1024, "b") });
      await until("one waits", async () => (await subject.report()).routes["/"]!.queued === 1);
      await passing(2000);
      running.shift()!.end("first");
      await until("the other one runs", () => running.length === 1);
      running.shift()!.end("second");
      assert.deepEqual([(await first).body, (await waiting).body], ["first", "second"]);
    });

    it("leave an upload alone that its replica does not read", async () => {
      let read: (() => void) | null = null;
      const replica = await startListening((req, res) => {
        let bytes = 0;
        read = () => req.on("data", (chunk: Buffer) => (bytes += chunk.length));
        req.on("end", () => res.end(String(bytes)));
      });
      const body = Buffer.alloc(7 * 1024 * 1024, "b");
      const answer = ask(await serving(replica, { stalledSeconds: 0.5 }), { body });
      await until("it was asked", () => read !== null);
      await passing(2000);
      read!();
      assert.equal((await answer).body, String(body.length));
    });

    it("leave a stream alone whose replica is silent", async () => {
      let stream: ServerResponse | null = null;
      const replica = await startListening((_req, res) => {
        stream = res;
        res.write("first");
      });
      const port = await serving(replica, TIGHT);
      const client = connected(port);
      client.send(GET);
      await until("the stream began", () => client.received.includes("first"));
      await passing(3000);
      assert.ok(!client.closed);
      stream!.end("last");
      await until("it ended", () => client.received.includes("last"));
    });

    it("leave a WebSocket alone, which has a time of its own", async () => {
      const port = await serving(await startEcho(), TIGHT);
      const client = await webSocket(port);
      await passing(3000);
      client.send("hello");
      await until("it was heard", () => client.received.endsWith("hello"));
      client.close();
    });

    it("do not touch streams that run when they change", async () => {
      let stream: ServerResponse | null = null;
      const replica = await startListening((_req, res) => {
        stream = res;
        res.write("first");
      });
      const client = connected(await serving(replica, {}));
      client.send(GET);
      await until("the stream began", () => client.received.includes("first"));
      const port = await serving(replica, TIGHT);
      const slow = connected(port);
      slow.send("GET / HTTP/1.1\r\n");
      await until("the new ones are in force", () => slow.closed);
      stream!.end("last");
      await until("it ended", () => client.received.includes("last"));
    });

    it("let in as many connections as there may be, and one that waits when one of them goes", async () => {
      const replica = await startReplica();
      const port = await serving(replica, { maxConnections: 2 });
      const [first, second] = [connected(port), connected(port)];
      for (const client of [first, second]) client.send(GET);
      await until("both are in", () => [first, second].every(({ received }) => received.endsWith(replica.id)));
      const waiting = connected(port);
      waiting.send(GET);
      await passing(1000);
      assert.deepEqual([waiting.received, waiting.closed, replica.seen.length], ["", false, 2]);
      first.send(GET);
      await until("who is in is served", () => replica.seen.length === 3);
      first.close();
      await until("the next one is in", () => waiting.received.endsWith(replica.id));
      for (const client of [second, waiting]) client.close();
      assert.equal((await ask(await serving(replica, {}))).body, replica.id);
    });
  });

  describe("the limits of clients that speak TLS", () => {
    const service = http2Service(subject);

    it("by HTTP/2 close a connection whose first head never ends", async () => {
      const client = await service.frames(
        await service.serving([await startReplica()], { limits: { headSeconds: 0.5 } }),
      );
      client.send(FRAME.headers, 0, 1, fieldBlock(getFields()));
      await until("it was closed", () => client.closed);
    });

    it("by HTTP/2 close a connection that is idle", async () => {
      const replica = await startReplica();
      const session = service.open(await service.serving([replica], { limits: { idleSeconds: 0.5 } }));
      assert.equal((await askHttp2(session)).body, replica.id);
      await until("it was closed", () => session.closed);
    });

    it("by HTTP/2 end a body that comes byte by byte for longer than bodySeconds with 408", async () => {
      const replica = await startReplica();
      const session = service.open(await service.serving([replica], { limits: { bodySeconds: 1 } }));
      const stream = session.request({ ":method": "POST", "content-length": "1000" }, { endStream: false });
      stream.on("error", () => undefined);
      let status: number | undefined;
      stream.on("response", (fields) => (status = fields[":status"]));
      const drip = setInterval(() => stream.writable && stream.write("x"), DRIP_MS);
      try {
        await until("it was answered", () => status !== undefined);
      } finally {
        clearInterval(drip);
      }
      assert.equal(status, 408);
      assert.deepEqual(replica.seen, []);
    });

    it("by HTTP/2 end a request whose client takes nothing of the response, and not the others of its connection", async () => {
      let other: ServerResponse | null = null;
      const replica = await startPump((res) => {
        other = res;
        res.write("first");
      });
      const session = service.open(await service.serving([replica], { limits: { stalledSeconds: 1 } }));
      let received = "";
      const stream = session.request({ ":path": "/other" });
      stream.on("data", (chunk: Buffer) => (received += chunk.toString()));
      await until("the other one began", () => received === "first");
      const stalled = session.request({ ":path": "/" });
      stalled.on("error", () => undefined);
      await until("its replica was let go", () => replica.letGo());
      other!.end("last");
      await until("the other one ended", () => received === "firstlast");
    });

    it("by HTTP/2 end a client that takes nothing at all, and free its replica", async () => {
      const replica = await startPump();
      const limits = { stalledSeconds: 1, idleSeconds: 0.5 };
      const client = await service.frames(await service.serving([replica], { limits }));
      const most = Buffer.from([0x7f, 0xff, 0, 0]);
      client.send(FRAME.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), most]));
      client.send(FRAME.windowUpdate, 0, 0, most);
      client.socket.pause();
      client.send(FRAME.headers, END_HEADERS | END_STREAM, 1, fieldBlock(getFields()));
      await until("its replica was let go", () => replica.letGo());
      // It reads nothing, and so learns of its end only by what it sends, which must be less often than it may stall.
      const ping = setInterval(() => client.send(FRAME.ping, 0, 0, Buffer.alloc(8)), 2500);
      try {
        await until("it was closed", () => client.closed);
      } finally {
        clearInterval(ping);
      }
    });

    it("by HTTP/1.1 end a client that takes nothing of its response, and free its replica", async () => {
      const replica = await startPump();
      const client = new RawClient(await service.serving([replica], { limits: { stalledSeconds: 1 } }), service.trust);
      client.send(GET);
      client.socket.pause();
      await until("its replica was let go", () => replica.letGo());
      client.socket.resume();
      await until("it was closed", () => client.closed);
      assert.ok(client.received.length < LARGE);
    });

    it("let in as many connections as there may be, and one that waits when one of them goes", async () => {
      const replica = await startReplica();
      const port = await service.serving([replica], { limits: { maxConnections: 1 } });
      const session = service.open(port);
      assert.equal((await askHttp2(session)).body, replica.id);
      const waiting = new RawClient(port, service.trust);
      waiting.send(GET);
      await passing(1000);
      assert.deepEqual([waiting.received, waiting.closed], ["", false]);
      session.close();
      await until("the next one is in", () => waiting.received.endsWith(replica.id));
      waiting.close();
    });
  });
}

/** A replica that says more than anybody takes at once; what is not for `/` is answered by `other`. */
async function startPump(other?: (res: ServerResponse) => void): Promise<TestReplica & { letGo(): boolean }> {
  let letGo = false;
  const piece = Buffer.alloc(256 * 1024, "z");
  const replica = await startListening((req, res) => {
    if (req.url !== "/") return other?.(res);
    let left = LARGE;
    const more = (): void => {
      while (left > 0) {
        left -= piece.length;
        if (!res.write(piece)) return void res.once("drain", more);
      }
      res.end();
    };
    res.on("close", () => (letGo = !res.writableFinished));
    more();
  });
  return Object.assign(replica, { letGo: () => letGo });
}

/** Time in which nothing is to happen. */
async function passing(ms: number): Promise<void> {
  const over = performance.now() + ms;
  await until("its time has passed", () => performance.now() > over);
}
