import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { ask, RawClient } from "../support/client";
import { startListening } from "../support/replica";
import { primaryOnly } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

export function queuesRequests(subject: Subject): void {
  describe("the in-flight limit and the queue", () => {
    /** Requests at the replica that were not answered yet, and how many there were at most. */
    let running: ServerResponse[];
    let most: number;
    const busy = (): ReturnType<typeof startListening> =>
      startListening((_req, res) => {
        running.push(res);
        most = Math.max(most, running.length);
      });
    const answerOne = async (): Promise<void> => {
      await until("one runs", () => running.length > 0);
      running.shift()!.end("done");
    };
    beforeEach(() => {
      running = [];
      most = 0;
    });
    const queued = async (): Promise<number> => (await subject.report()).routes["/"]!.queued;

    it("never send a replica more than it may have, and show who waits", async () => {
      const replica = await busy();
      const port = await subject.serve(primaryOnly([replica], { maxInFlightPerReplica: 2 }));
      const answers = Array.from({ length: 6 }, () => ask(port));
      await until("four wait", async () => (await queued()) === 4);
      assert.equal((await subject.report()).replicas[replica.id]!.inFlight, 2);
      for (let left = 6; left > 0; left -= 1) await answerOne();
      assert.ok((await Promise.all(answers)).every(({ body }) => body === "done"));
      assert.equal(most, 2);
    });

    it("answer 503 with Retry-After at once when the queue is full", async () => {
      const replica = await busy();
      const port = await subject.serve(primaryOnly([replica], { maxInFlightPerReplica: 1, maxQueue: 2 }));
      const accepted = [ask(port)];
      await until("one runs", () => running.length === 1);
      accepted.push(ask(port), ask(port));
      await until("two wait", async () => (await queued()) === 2);
      const refused = await ask(port);
      assert.equal(refused.status, 503);
      assert.equal(refused.headers["retry-after"], "1");
      assert.match(refused.body, /Too many requests are waiting for a replica of \/ \(2\): try again shortly\./);
      await until("it is counted", async () => (await subject.report()).routes["/"]!.rejected > 0);
      for (let left = 3; left > 0; left -= 1) await answerOne();
      await Promise.all(accepted);
    });

    it("answer 503 after queueTimeoutSeconds", async () => {
      const replica = await busy();
      const port = await subject.serve(primaryOnly([replica], { maxInFlightPerReplica: 1, queueTimeoutSeconds: 0.2 }));
      const first = ask(port);
      await until("one runs", () => running.length === 1);
      const second = await ask(port);
      assert.equal(second.status, 503);
      assert.match(second.body, /within 0\.2 s/);
      await answerOne();
      await first;
    });

    it("forget a client that goes away while it waits", async () => {
      const replica = await busy();
      const port = await subject.serve(primaryOnly([replica], { maxInFlightPerReplica: 1 }));
      const first = ask(port);
      await until("one runs", () => running.length === 1);
      const waiting = new RawClient(port);
      waiting.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("one waits", async () => (await queued()) === 1);
      waiting.close();
      await until("nobody waits", async () => (await queued()) === 0);
      await answerOne();
      await first;
      assert.equal((await subject.report()).metrics[replica.id]!.attempts, 1);
    });

    it("give back every place after errors, aborts and removal", async () => {
      const dying = await startListening((req) => req.socket.destroy());
      const replica = await busy();
      const port = await subject.serve(
        primaryOnly([dying, replica], { maxInFlightPerReplica: 2, queueTimeoutSeconds: 0.3 }),
      );
      const clients = Array.from({ length: 6 }, () => new RawClient(port));
      // Of unknown length, so that neither engine waits for the rest.
      const half = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n";
      for (const client of clients) client.send(half);
      // The connections may all have come to one of several workers, which has its part of the limit only.
      const full = Math.max(1, 2 / subject.workers);
      await until(
        "the healthy one is full",
        async () => (await subject.report()).replicas[replica.id]!.inFlight >= full,
      );
      for (const client of clients.slice(0, 3)) client.close();
      await subject.serve(primaryOnly([dying]));
      for (const client of clients) client.close();
      await subject.settled();
      await until(
        "the removed one is forgotten",
        async () => (await subject.report()).replicas[replica.id] === undefined,
      );
    });
  });

  describe("metrics", () => {
    it("count each attempt once, with its latency and its time to the first byte", async () => {
      const replica = await startListening((_req, res) => {
        res.write("first");
        setTimeout(() => res.end(), 60);
      });
      const port = await subject.serve(primaryOnly([replica]));
      await Promise.all([ask(port), ask(port), ask(port)]);
      const counted = async () => (await subject.report()).metrics[replica.id]!;
      await until("all are counted", async () => (await counted()).completed === 3);
      const metrics = await counted();
      assert.deepEqual([metrics.attempts, metrics.completed, metrics.errors, metrics.truncated], [3, 3, 0, 0]);
      const slowerThan50ms = metrics.latency.slice(6).reduce((sum, count) => sum + count, 0);
      assert.equal(slowerThan50ms, 3);
      assert.equal(
        metrics.timeToFirstByte.reduce((sum, count) => sum + count, 0),
        3,
      );
    });
  });
}
