import assert from "node:assert/strict";
import { request } from "node:http";
import { ask, RawClient } from "../support/client";
import { startListening, startRawReplica, startReplica } from "../support/replica";
import { primaryOnly, route, routing, version } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

export function passesStreams(subject: Subject): void {
  describe("streams", () => {
    it("hold a fast replica back while the client reads slowly, and deliver every byte", async () => {
      const total = 64 * 1024 * 1024;
      let written = 0;
      const fast = await startListening((_req, res) => {
        const piece = Buffer.alloc(256 * 1024, "x");
        const pump = (): void => {
          while (written < total) {
            written += piece.length;
            if (!res.write(piece)) {
              res.once("drain", pump);
              return;
            }
          }
          res.end();
        };
        pump();
      });
      const port = await subject.serve(primaryOnly([fast]));
      let read = 0;
      await new Promise<void>((resolve, reject) => {
        request({ port, agent: false }, (res) => {
          // Nobody reads yet: what the replica gets rid of sits in the sockets' buffers, or it would be in our memory.
          let last = -1;
          const stalled = setInterval(() => {
            if (written !== last) {
              last = written;
              return;
            }
            clearInterval(stalled);
            if (written > total / 2) reject(new Error(`${written} bytes went to a client that reads nothing`));
            res.on("data", (chunk: Buffer) => (read += chunk.length));
            res.on("end", resolve);
            res.on("error", reject);
          }, 100);
        })
          .on("error", reject)
          .end();
      });
      assert.equal(read, total);
    });

    it("hold a fast client back while the replica reads slowly", async () => {
      const total = 64 * 1024 * 1024;
      let release = (): void => undefined;
      const slow = await startListening((req, res) => {
        let received = 0;
        release = () => {
          req.on("data", (chunk: Buffer) => (received += chunk.length));
          req.on("end", () => res.end(String(received)));
        };
      });
      const port = await subject.serve(primaryOnly([slow], { maxBodyBytes: total }));
      let written = 0;
      const answer = await new Promise<string>((resolve, reject) => {
        const upload = request({ port, method: "POST", agent: false }, (res) => {
          let text = "";
          res.on("data", (chunk: Buffer) => (text += chunk.toString()));
          res.on("end", () => resolve(text));
        });
        upload.on("error", reject);
        const piece = Buffer.alloc(256 * 1024, "x");
        const pump = (): void => {
          while (written < total) {
            written += piece.length;
            if (!upload.write(piece)) {
              upload.once("drain", pump);
              return;
            }
          }
          upload.end();
        };
        pump();
        let last = -1;
        const stalled = setInterval(() => {
          if (written !== last) {
            last = written;
            return;
          }
          clearInterval(stalled);
          if (written > total / 2) reject(new Error(`${written} bytes went to a replica that reads nothing`));
          release();
        }, 100);
      });
      assert.equal(answer, String(total));
    });

    it("pass a chunked upload on piece by piece", async () => {
      let received = "";
      const replica = await startListening((req, res) => {
        req.on("data", (chunk: Buffer) => (received += chunk.toString()));
        req.on("end", () => res.end(received));
      });
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
      await until("the first piece is there before the second is sent", () => received === "hello");
      client.send("6\r\n world\r\n0\r\n\r\n");
      await until("the answer came", () => client.received.includes("hello world"));
      client.close();
    });

    it("end at the replica when the client goes away", async () => {
      let gone = false;
      const replica = await startListening((_req, res) => {
        res.write("first");
        res.on("close", () => (gone = true));
      });
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("the stream began", () => client.received.includes("first"));
      client.close();
      await until("the replica was told", () => gone);
      await subject.settled();
    });

    it("of a replica that ends its response by closing come whole", async () => {
      const old = await startRawReplica((socket) => socket.end("HTTP/1.0 200 OK\r\n\r\nold but whole"));
      const answer = await ask(await subject.serve(primaryOnly([old])));
      assert.equal(answer.body, "old but whole");
    });
  });

  describe("responses that break off", () => {
    it("bring what had come by then, however many are under way", async () => {
      const held = await startListening((_req, res) => void res.write("held"));
      const [good, bad] = ["4\r\nhalf\r\n", "no size\r\n"];
      const answer = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${good}${bad}`;
      const dying = await startRawReplica((socket) => socket.end(answer));
      const port = await subject.serve(
        routing([
          route({ primary: version(1, [held]) }),
          route({ prefix: "/dies", pool: "dies", primary: version(1, [dying]) }),
        ]),
      );
      const clientOf = (path: string): RawClient => {
        const client = new RawClient(port);
        client.send(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
        return client;
      };
      const holding = Array.from({ length: 8 }, () => clientOf("/"));
      for (const client of holding) await until("it is under way", () => client.received.includes("held"));
      const broken = Array.from({ length: 8 }, () => clientOf("/dies"));
      // An engine that has passed nothing on yet may say so instead.
      const failed = ({ received }: RawClient): boolean => received.startsWith("HTTP/1.1 502");
      for (const client of broken) await until("the client was told", () => client.closed || failed(client));
      for (const client of broken)
        if (!failed(client)) assert.match(client.received, /^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\n4\r\nhalf\r\n$/);
      for (const client of [...holding, ...broken]) client.close();
    });
  });

  describe("responses without a body", () => {
    it("to HEAD keep the length and end at once", async () => {
      const replica = await startReplica((_req, res) => res.writeHead(200, { "content-length": 1234 }).end());
      const port = await subject.serve(primaryOnly([replica]));
      const answer = await ask(port, { method: "HEAD" });
      assert.equal(answer.headers["content-length"], "1234");
      assert.equal(answer.body, "");
    });

    for (const status of [204, 304]) {
      it(`of status ${status} leave the connection usable`, async () => {
        const replica = await startReplica((_req, res) => res.writeHead(status, { etag: '"1"' }).end());
        const client = new RawClient(await subject.serve(primaryOnly([replica])));
        for (let round = 1; round <= 2; round += 1) {
          client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
          await until("it was answered", () => client.received.split(`HTTP/1.1 ${status}`).length === round + 1);
        }
        assert.ok(!/transfer-encoding/i.test(client.received));
        client.close();
      });
    }

    it("of interim status are not taken for the final one", async () => {
      const hinting = await startRawReplica((socket) =>
        socket.write(
          "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" +
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        ),
      );
      const answer = await ask(await subject.serve(primaryOnly([hinting])));
      assert.deepEqual([answer.status, answer.body], [200, "ok"]);
    });
  });

  describe("Expect: 100-continue", () => {
    const grantedAndAnswered = async () => {
      const replica = await startReplica((_req, res, body) => res.end(body));
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
      await until("it may continue", () => client.received === "HTTP/1.1 100 Continue\r\n\r\n");
      client.send("body");
      await until("it was answered", () => client.received.endsWith("body"));
      client.close();
      return replica.seen[0]!.headers;
    };

    it("is granted when a replica is there to take the body", async () => {
      await grantedAndAnswered();
    });

    it("is answered here, and not passed on to the replica", async () => {
      assert.ok((await grantedAndAnswered()).every((field) => field.toLowerCase() !== "expect"));
    });

    it("is not granted for a body that is too large", async () => {
      const replica = await startReplica();
      const client = new RawClient(await subject.serve(primaryOnly([replica], { maxBodyBytes: 3 })));
      client.send("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
      await until("it was refused", () => client.received.startsWith("HTTP/1.1 413"));
      client.close();
    });
  });

  describe("pipelined requests", () => {
    it("are answered in order", async () => {
      const replica = await startReplica((req, res) => setTimeout(() => res.end(req.url), req.url === "/1" ? 50 : 0));
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send("GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("both are answered", () => client.received.includes("/1") && client.received.includes("/2"));
      assert.ok(client.received.indexOf("/1") < client.received.indexOf("/2"));
      client.close();
    });

    it("all end when their client goes away", async () => {
      const replica = await startListening((_req, res) => void res.write("first"));
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send("GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("both run", async () => (await subject.report()).replicas[replica.id]!.inFlight === 2);
      client.close();
      await subject.settled();
    });
  });
}
