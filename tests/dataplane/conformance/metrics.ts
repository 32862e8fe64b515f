import assert from "node:assert/strict";
import { VERSION_BOUNDS_MS, type VersionMetrics } from "../../../provider/core/observed";
import { ask, RawClient } from "../support/client";
import { startListening, startReplica } from "../support/replica";
import { balancer, CANARY, PRIMARY, primaryOnly, route, routing, version } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

const NOTHING: VersionMetrics = { requests: 0, errors: 0, latency: [], timeToFirstByte: [] };

export function countsVersions(subject: Subject): void {
  describe("the counts of each version", () => {
    let before: Record<string, VersionMetrics>;
    beforeEach(async () => {
      before = (await subject.report()).versions["pool"] ?? {};
    });

    /** What this test has added. */
    const counted = async (revision = PRIMARY): Promise<VersionMetrics> => {
      const now = (await subject.report()).versions["pool"]?.[revision] ?? NOTHING;
      const then = before[revision] ?? NOTHING;
      const less = (all: number[], earlier: number[]): number[] => all.map((one, at) => one - (earlier[at] ?? 0));
      return {
        requests: now.requests - then.requests,
        errors: now.errors - then.errors,
        failedTries: (now.failedTries ?? 0) - (then.failedTries ?? 0),
        latency: less(now.latency, then.latency),
        timeToFirstByte: less(now.timeToFirstByte, then.timeToFirstByte),
      };
    };
    const numbers = async (revision = PRIMARY): Promise<Record<string, number>> => {
      const { requests, errors, latency, timeToFirstByte } = await counted(revision);
      return { requests, errors, timed: total(latency), firstBytes: total(timeToFirstByte) };
    };
    /** A response may reach its client before the balancer has counted it. */
    const come = (expected: Record<string, number>, revision = PRIMARY): Promise<void> =>
      until(`${revision} has counted ${JSON.stringify(expected)}`, async () => {
        const found = await numbers(revision);
        return Object.entries(expected).every(([name, value]) => found[name] === value);
      });

    it("hold each request once, for the version that answered it", async () => {
      const [old, next] = [await startReplica(), await startReplica()];
      const port = await subject.serve(
        routing([route({ primary: version(3, [old]), canary: version(1, [next], CANARY) })]),
      );
      await Promise.all(Array.from({ length: 20 }, () => ask(port, { agent: subject.agent })));
      await come({ requests: 15, errors: 0, timed: 15, firstBytes: 15 });
      await come({ requests: 5, errors: 0, timed: 5, firstBytes: 5 }, CANARY);
    });

    it("call a replica's own 5xx an error, and its 4xx none", async () => {
      const statuses = [200, 404, 429, 500, 503];
      const replica = await startReplica((_req, res) => {
        res.statusCode = statuses.shift()!;
        res.end();
      });
      const port = await subject.serve(primaryOnly([replica]));
      for (let sent = 0; sent < 5; sent += 1) await ask(port);
      await come({ requests: 5, errors: 2, timed: 5, firstBytes: 5 });
    });

    it("count a retried request once and as no error, for the version that answered last", async () => {
      const dying = await startListening((req) => req.socket.destroy());
      const healthy = await startReplica();
      const desired = routing([route({ primary: version(0, [healthy]), canary: version(1, [dying], CANARY) })]);
      desired.routes[0]!.primary!.weight = 1;
      const port = await subject.serve(desired);
      for (let sent = 0; sent < 2; sent += 1) assert.equal((await ask(port)).status, 200);
      await come({ requests: 2, errors: 0, timed: 2, firstBytes: 2 });
      await come({ requests: 0, errors: 0, timed: 0, firstBytes: 0 }, CANARY);
    });

    it("hold each try that broke against its version once its replica is seen alive, though another one answered", async () => {
      let broken = 0;
      const breaking = await startListening((req) => {
        broken += 1;
        req.socket.destroy();
      });
      const healthy = await startReplica();
      const readiness = { ...route({}).readiness, intervalSeconds: 0.2, timeoutSeconds: 0.2 };
      const port = await subject.serve(routing([route({ primary: version(1, [breaking, healthy]), readiness })]));
      for (let sent = 0; sent < 100 && broken < 2; sent += 1) assert.equal((await ask(port)).status, 200);
      await until("its two tries are counted", async () => (await counted()).failedTries === 2);
      assert.equal(broken, 2);
      assert.equal((await counted()).errors, 0);
    });

    it("hold no try against a version whose replica is gone: that is how a VM is lost", async () => {
      let broken = 0;
      const lost = await startListening((_req, _res, replica) => {
        broken += 1;
        void replica.stop();
      });
      const port = await subject.serve(primaryOnly([lost, await startReplica()]));
      for (let sent = 0; sent < 100 && broken < 1; sent += 1) assert.equal((await ask(port)).status, 200);
      assert.equal(broken, 1);
      await until("it is known to be gone", async () => !(await subject.report()).replicas[lost.id]!.healthy);
      assert.equal((await counted()).failedTries, 0);
    });

    it("hold a request that no replica answered against the version that was asked last", async () => {
      const dying = await Promise.all(Array.from({ length: 3 }, () => startListening((req) => req.socket.destroy())));
      const port = await subject.serve(primaryOnly(dying));
      assert.equal((await ask(port)).status, 502);
      await come({ requests: 1, errors: 1, timed: 1, firstBytes: 0 });
    });

    it("hold a silent replica against its version, with the time that its client waited", async () => {
      const silent = await startListening(() => undefined);
      const port = await subject.serve(
        primaryOnly([silent], { requestTimeoutSeconds: 0.3, retry: { attempts: 0, nonIdempotent: true } }),
      );
      assert.equal((await ask(port)).status, 504);
      await come({ requests: 1, errors: 1, timed: 1, firstBytes: 0 });
      assert.ok(lowest((await counted()).latency) > 200);
    });

    it("call a response that broke off after its first byte an error", async () => {
      const dying = await startListening((req, res) => {
        res.write("half");
        setTimeout(() => req.socket.destroy(), 20);
      });
      const port = await subject.serve(primaryOnly([dying]));
      await assert.rejects(ask(port));
      await come({ requests: 1, errors: 1, timed: 1, firstBytes: 1 });
    });

    it("leave out what the client gave up, before the first byte and after it", async () => {
      const waiting = await startListening((req, res) => {
        if (req.url === "/stream") res.write("first");
      });
      const port = await subject.serve(primaryOnly([waiting]));
      const early = new RawClient(port);
      early.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      const late = new RawClient(port);
      late.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("both run", async () => (await subject.report()).replicas[waiting.id]!.inFlight === 2);
      await until("the stream began", () => late.received.includes("first"));
      early.close();
      late.close();
      await subject.settled();
      assert.deepEqual(await numbers(), { requests: 0, errors: 0, timed: 0, firstBytes: 1 });
    });

    it("leave out what a full balancer refused: no version had a part in it", async () => {
      const silent = await startListening(() => undefined);
      const port = await subject.serve(
        primaryOnly([silent], { maxInFlightPerReplica: 1, maxQueue: 1, queueTimeoutSeconds: 0.2 }),
      );
      const holding = new RawClient(port);
      holding.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("it holds the replica", async () => (await subject.report()).replicas[silent.id]!.inFlight === 1);
      assert.equal((await ask(port)).status, 503);
      holding.close();
      await subject.settled();
      assert.equal((await numbers())["requests"], 0);
    });

    it("tell the first byte of a stream at once, and its latency at its end", async () => {
      let finish = (): void => undefined;
      const slow = await startListening((_req, res) => {
        res.write("first");
        finish = () => res.end("last");
      });
      const client = new RawClient(await subject.serve(primaryOnly([slow])));
      client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      await come({ requests: 0, timed: 0, firstBytes: 1 });
      const shown = performance.now();
      await until("it has lasted a while", () => performance.now() - shown > 100);
      finish();
      await come({ requests: 1, errors: 0, timed: 1, firstBytes: 1 });
      assert.ok(lowest((await counted()).latency) > 80);
      client.close();
    });

    it("include the time in which a request waited for a replica", async () => {
      let finish = (): void => undefined;
      const replica = await startListening((req, res) => {
        if (req.url === "/first") finish = () => res.end();
        else res.end();
      });
      const port = await subject.serve(primaryOnly([replica], { maxInFlightPerReplica: 1 }));
      const first = ask(port, { path: "/first" });
      await until("it runs", async () => (await subject.report()).replicas[replica.id]!.inFlight === 1);
      const second = ask(port, { path: "/second" });
      await until("the other waits", async () => (await subject.report()).routes["/"]!.queued === 1);
      const shown = performance.now();
      await until("it has waited a while", () => performance.now() - shown > 100);
      finish();
      await Promise.all([first, second]);
      await come({ requests: 2, firstBytes: 2 });
      assert.ok(lowest((await counted()).timeToFirstByte) > 80);
    });

    it("go on through other weights, other members, and a canary that becomes the primary", async () => {
      const [old, next, later] = [await startReplica(), await startReplica(), await startReplica()];
      const serve = async (desired: ReturnType<typeof routing>): Promise<void> => {
        const port = await subject.serve(desired);
        await Promise.all(Array.from({ length: 10 }, () => ask(port, { agent: subject.agent })));
      };
      await serve(routing([route({ primary: version(1, [old]), canary: version(1, [next], CANARY) })]));
      await serve(routing([route({ primary: version(1, [old]), canary: version(4, [next, later], CANARY) })]));
      await serve(routing([route({ primary: version(1, [later], CANARY), draining: [old] })]));
      await come({ requests: 7 });
      await come({ requests: 23 }, CANARY);
    });

    it("are kept for each pool apart", async () => {
      const [one, two] = [await startReplica(), await startReplica()];
      const port = await subject.serve(
        routing(
          [
            route({ prefix: "/one", pool: "one", primary: version(1, [one]) }),
            route({ prefix: "/two", pool: "two", primary: version(1, [two]) }),
          ],
          { balancer: balancer() },
        ),
      );
      await ask(port, { path: "/one" });
      await ask(port, { path: "/two" });
      await ask(port, { path: "/two" });
      await until("both pools have counted", async () => {
        const { versions } = await subject.report();
        return versions["one"]?.[PRIMARY]?.requests === 1 && versions["two"]?.[PRIMARY]?.requests === 2;
      });
    });
  });
}

function total(histogram: number[]): number {
  return histogram.reduce((sum, one) => sum + one, 0);
}

/** At least so many milliseconds took the slowest one. */
function lowest(histogram: number[]): number {
  return VERSION_BOUNDS_MS[histogram.findLastIndex((one) => one > 0) - 1] ?? 0;
}
