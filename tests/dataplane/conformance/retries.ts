import assert from "node:assert/strict";
import { request } from "node:http";
import { ask, RawClient } from "../support/client";
import { Load } from "../support/load";
import { startConnectable, startListening, startRawReplica, startReplica } from "../support/replica";
import { startReplicaProcess } from "../support/replica-process";
import { primaryOnly } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

export function retriesRequests(subject: Subject): void {
  describe("a replica that dies", () => {
    for (const kilobytes of [0, 40, 200]) {
      it(`by SIGKILL under load fails nobody (bodies of ${kilobytes} KB)`, async () => {
        const replicas = await Promise.all(
          ["k-1", "k-2", "k-3"].map((id) => startReplicaProcess(`${id}-${kilobytes}`)),
        );
        const port = await subject.serve(primaryOnly(replicas));
        const body = kilobytes === 0 ? undefined : Buffer.alloc(kilobytes * 1024);
        const load = new Load(port, 16, () => ({ body }));
        await until("the load runs", () => load.requests > 300);
        await replicas[0]!.kill();
        await until("it is taken out", async () => !(await subject.report()).replicas[replicas[0]!.id]!.healthy);
        const soFar = load.requests;
        await until("the load ran on", () => load.requests > soFar + 200);
        await load.stop();
        assert.deepEqual(load.failures, []);
      });
    }

    it("before the first byte is replaced by another, whose answer the client gets", async () => {
      const dying = await startListening((req) => req.socket.destroy());
      const healthy = await startReplica((_req, res, body) => res.end(`got ${body.length}`));
      const port = await subject.serve(primaryOnly([dying, healthy], { policy: "roundRobin" }));
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask(port, { body: "x".repeat(40_000) })));
      assert.deepEqual(new Set(answers.map(({ body }) => body)), new Set(["got 40000"]));
      await until("the failures are counted there, and the second tries here", async () => {
        const { metrics } = await subject.report();
        return metrics[dying.id]!.errors > 0 && metrics[healthy.id]!.retries > 0;
      });
    });

    it("while a body of known length comes in pieces is replaced by another, which gets all of it", async () => {
      const dying = await startListening((req) => req.socket.destroy());
      const healthy = await startReplica((_req, res, body) => res.end(`got ${body.length}`));
      const port = await subject.serve(primaryOnly([dying, healthy], { policy: "roundRobin" }));
      const client = new RawClient(port);
      for (let asked = 1; asked <= 10; asked += 1) {
        client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 40000\r\n\r\n");
        for (let piece = 0; piece < 40; piece += 1) {
          await new Promise(setImmediate);
          client.send("x".repeat(1000));
        }
        await until(`${asked} answers`, () => client.received.match(/got 40000/g)?.length === asked);
      }
      client.close();
    });

    it("before the first byte makes exactly one second try for each request that it fails", async () => {
      const dying = await startListening((req) => req.socket.destroy());
      const healthy = await startReplica();
      const port = await subject.serve(primaryOnly([dying, healthy], { policy: "roundRobin" }));
      await Promise.all(Array.from({ length: 10 }, () => ask(port, { body: "x".repeat(40_000) })));
      const { metrics } = await subject.report();
      assert.ok(metrics[dying.id]!.errors > 0);
      assert.equal(metrics[healthy.id]!.retries, metrics[dying.id]!.errors);
    });

    it("after the first byte is a visible truncation, never a clean end and never a second try", async () => {
      const dying = await startListening((req, res) => {
        res.write("half");
        setTimeout(() => req.socket.destroy(), 20);
      });
      const other = await startReplica();
      for (const only of [[dying], [dying, other]]) {
        const port = await subject.serve(primaryOnly(only, { policy: "roundRobin" }));
        const outcomes = await Promise.allSettled([ask(port), ask(port)]);
        const broken = outcomes.filter(({ status }) => status === "rejected");
        assert.equal(broken.length, only.length === 1 ? 2 : 1);
      }
      await until("all are counted", async () => (await subject.report()).metrics[dying.id]!.truncated === 3);
    });

    it("with a promised length is a visible truncation as well", async () => {
      const dying = await startListening((req, res) => {
        res.writeHead(200, { "content-length": 100 });
        res.write("half");
        setTimeout(() => req.socket.destroy(), 20);
      });
      const port = await subject.serve(primaryOnly([dying]));
      await assert.rejects(ask(port));
    });
  });

  describe("the retry rules", () => {
    const alwaysDying = (): ReturnType<typeof startListening> => startListening((req) => req.socket.destroy());

    it("try at most `attempts` further replicas, then answer 502 with a sentence", async () => {
      const replicas = await Promise.all(Array.from({ length: 5 }, alwaysDying));
      const port = await subject.serve(primaryOnly(replicas, { retry: { attempts: 2, nonIdempotent: true } }));
      const answer = await ask(port);
      assert.equal(answer.status, 502);
      assert.match(answer.body, /The replica failed before it answered: .+\./);
      const { metrics } = await subject.report();
      assert.equal(
        replicas.reduce((sum, { id }) => sum + metrics[id]!.attempts, 0),
        3,
      );
    });

    it("with nonIdempotent false send nothing twice that may have begun", async () => {
      const dying = await alwaysDying();
      const other = await startReplica();
      const port = await subject.serve(
        primaryOnly([dying, other], { policy: "roundRobin", retry: { attempts: 2, nonIdempotent: false } }),
      );
      const { agent } = subject;
      const statuses = [(await ask(port, { body: "x", agent })).status, (await ask(port, { body: "x", agent })).status];
      assert.deepEqual(statuses.sort(), [200, 502]);
      assert.equal(other.seen.length, 1);
    });

    it("with nonIdempotent false still go on when nothing was sent", async () => {
      const gone = await startReplica();
      const other = await startReplica();
      const port = await subject.serve(
        primaryOnly([gone, other], { policy: "roundRobin", retry: { attempts: 0, nonIdempotent: false } }),
      );
      await gone.stop();
      const answers = await Promise.all([ask(port, { body: "x" }), ask(port, { body: "x" }), ask(port)]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200],
      );
    });

    it("do not replay a body that is larger than the replay buffer", async () => {
      const dying = await startListening((req) => {
        req.on("data", () => undefined);
        req.on("end", () => req.socket.destroy());
      });
      const other = await startReplica();
      const port = await subject.serve(primaryOnly([dying, other], { policy: "roundRobin", replayBufferBytes: 1000 }));
      const send = (bytes: number): Promise<number> =>
        ask(port, { body: Buffer.alloc(bytes), agent: subject.agent }).then(({ status }) => status);
      assert.deepEqual([await send(1001), await send(1001)].sort(), [200, 502]);
      assert.deepEqual([await send(1000), await send(1000)].sort(), [200, 200]);
    });

    it("take a kept connection that the replica gave up for nobody's failure", async () => {
      const closing = await startReplica((_req, res) => {
        res.end("ok");
        setTimeout(() => res.socket?.destroy(), 5);
      });
      const port = await subject.serve(primaryOnly([closing]));
      const load = new Load(port, 4, () => ({ body: "x" }));
      await until("the load runs", () => load.requests > 300);
      await load.stop();
      assert.deepEqual(load.failures, []);
      const report = await subject.report();
      assert.equal(report.replicas[closing.id]!.healthy, true);
      assert.equal(report.metrics[closing.id]!.errors, 0);
    });

    it("pass a replica's own 503 on", async () => {
      const busy = await startReplica((_req, res) => {
        res.statusCode = 503;
        res.end("model is loading");
      });
      const port = await subject.serve(primaryOnly([busy, await startReplica()], { policy: "roundRobin" }));
      const bodies = [(await ask(port)).body, (await ask(port)).body];
      assert.ok(bodies.includes("model is loading"));
    });
  });

  describe("silence", () => {
    it("before the first byte leads to another replica", async () => {
      const silent = await startListening(() => undefined);
      const other = await startReplica();
      const port = await subject.serve(
        primaryOnly([silent, other], { policy: "roundRobin", requestTimeoutSeconds: 0.3 }),
      );
      assert.deepEqual([(await ask(port)).body, (await ask(port)).body], [other.id, other.id]);
    });

    it("of every replica that may be tried is 504", async () => {
      const silent = await startListening(() => undefined);
      const port = await subject.serve(
        primaryOnly([silent], { requestTimeoutSeconds: 0.2, retry: { attempts: 0, nonIdempotent: true } }),
      );
      assert.equal((await ask(port)).status, 504);
    });

    it("between two pieces of a response is a truncation", async () => {
      const stalling = await startRawReplica((socket) =>
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
      );
      const port = await subject.serve(primaryOnly([stalling], { requestTimeoutSeconds: 0.3 }));
      await assert.rejects(ask(port));
    });

    it("of the client during its upload is not held against the replica", async () => {
      const replica = await startReplica((_req, res, body) => res.end(body));
      const port = await subject.serve(primaryOnly([replica], { requestTimeoutSeconds: 0.3 }));
      const body = await new Promise<string>((resolve, reject) => {
        const upload = request({ port, method: "POST", agent: false }, (res) => {
          let text = "";
          res.on("data", (chunk: Buffer) => (text += chunk.toString()));
          res.on("end", () => resolve(text));
        });
        upload.on("error", reject);
        upload.write("slow ");
        setTimeout(() => upload.end("client"), 700);
      });
      assert.equal(body, "slow client");
    });
  });

  describe("when every replica counts as unhealthy", () => {
    it("a request is tried anyway", async () => {
      const unready = await startReplica((_req, res) => {
        res.statusCode = 500;
        res.end("still an answer");
      });
      const desired = primaryOnly([unready]);
      desired.routes[0]!.readiness = { ...desired.routes[0]!.readiness, path: "/not-there", intervalSeconds: 0.05 };
      const port = await subject.serve(desired);
      await until("its checks took it out", async () => !(await subject.report()).replicas[unready.id]!.healthy);
      assert.equal((await ask(port)).body, "still an answer");
    });

    it("a check that needs secrets is a mere connect", async () => {
      let connects = 0;
      let bytes = 0;
      const picky = await startConnectable((socket) => {
        connects += 1;
        socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
      });
      const desired = primaryOnly([picky]);
      desired.routes[0]!.readiness = { ...desired.routes[0]!.readiness, intervalSeconds: 0.02, requestSecret: "probe" };
      await subject.serve(desired);
      await until("it was checked", () => connects > 5);
      assert.equal((await subject.report()).replicas[picky.id]!.healthy, true);
      assert.equal(bytes, 0);
    });
  });
}
