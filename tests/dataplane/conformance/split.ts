import assert from "node:assert/strict";
import { ask, type Answer, type Ask } from "../support/client";
import { startReplica, type TestReplica } from "../support/replica";
import { balancer, CANARY, PRIMARY, route, routing, version } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

export function splitsTraffic(subject: Subject): void {
  const askInTurn = (port: number, wish: Ask = {}): Promise<Answer> => ask(port, { ...wish, agent: subject.agent });

  describe("the split between primary and canary", () => {
    let old: TestReplica[];
    let next: TestReplica[];
    beforeEach(async () => {
      old = [await startReplica(), await startReplica()];
      next = [await startReplica()];
    });
    const weighted = (canary: number, primary: number): ReturnType<typeof routing> =>
      routing([route({ primary: version(primary, old), canary: version(canary, next, CANARY) })]);
    const canaryHits = (): number => next[0]!.seen.length;
    const hits = (): number => canaryHits() + old[0]!.seen.length + old[1]!.seen.length;

    for (const [canary, primary] of [
      [25, 75],
      [1, 3],
      [2, 5],
      [1, 99],
      [50, 50],
      [7, 4],
    ] as const) {
      it(`gives the canary exactly ${canary} of every ${canary + primary} first attempts`, async () => {
        const port = await subject.serve(weighted(canary, primary));
        for (let window = 1; window <= 2; window += 1) {
          await Promise.all(Array.from({ length: canary + primary }, () => askInTurn(port)));
          assert.equal(canaryHits(), window * canary);
        }
        assert.equal(hits(), 2 * (canary + primary));
      });
    }

    it("spreads the canary's turns instead of bunching them", async () => {
      const port = await subject.serve(weighted(25, 75));
      for (let sent = 0; sent < 20; sent += 1) await askInTurn(port);
      assert.equal(canaryHits(), 5);
    });

    it("starts a new window when the weights change, and not when they are applied again", async () => {
      const port = await subject.serve(weighted(1, 3));
      for (let sent = 0; sent < 2; sent += 1) await askInTurn(port);
      await subject.serve(weighted(25, 75));
      for (let sent = 0; sent < 2; sent += 1) await askInTurn(port);
      assert.equal(canaryHits(), 1);
      await subject.serve(weighted(1, 1));
      await Promise.all(Array.from({ length: 10 }, () => askInTurn(port)));
      assert.equal(canaryHits(), 6);
    });

    it("reports first attempts in exactly the ratio of the weights", async () => {
      const port = await subject.serve(weighted(3, 5));
      const before = (await subject.report()).routes["/"]!.firstAttempts;
      await Promise.all(Array.from({ length: 80 }, () => askInTurn(port)));
      await until("all are counted", async () => {
        const after = (await subject.report()).routes["/"]!.firstAttempts;
        return after.canary - before.canary === 30 && after.primary - before.primary === 50;
      });
    });

    it("does not let requests with a version header move the split", async () => {
      const port = await subject.serve(weighted(1, 3));
      for (let round = 0; round < 8; round += 1) {
        await askInTurn(port);
        await askInTurn(port, { headers: { "x-pulumi-serve-version": "canary" } });
      }
      assert.equal(canaryHits(), 8 + 2);
    });

    it("reaches a version of weight 0 by header only", async () => {
      const port = await subject.serve(weighted(0, 1));
      await Promise.all(Array.from({ length: 30 }, () => ask(port)));
      assert.equal(canaryHits(), 0);
      const answer = await ask(port, { headers: { "X-Pulumi-Serve-Version": CANARY } });
      assert.equal(answer.body, next[0]!.id);
      assert.equal(answer.headers["x-pulumi-serve-revision"], CANARY);
    });

    it("keeps a version of weight 0 to itself even when the other one is dead", async () => {
      const port = await subject.serve(
        routing([route({ primary: version(1, old), canary: version(0, next, CANARY) })], {
          balancer: balancer({ queueTimeoutSeconds: 0.3 }),
        }),
      );
      await Promise.all(old.map((replica) => replica.stop()));
      assert.equal((await ask(port)).status, 503);
      assert.equal(canaryHits(), 0);
    });

    it("pins by role and by revision, and says 503 in a sentence when the version has no replica", async () => {
      const port = await subject.serve(weighted(1, 1));
      const pinned = (name: string): ReturnType<typeof ask> =>
        ask(port, { headers: { "x-pulumi-serve-version": name } });
      assert.equal((await pinned("canary")).headers["x-pulumi-serve-revision"], CANARY);
      assert.equal((await pinned("primary")).headers["x-pulumi-serve-revision"], PRIMARY);
      assert.equal((await pinned(PRIMARY)).headers["x-pulumi-serve-revision"], PRIMARY);
      const unknown = await pinned("cccccccccccccccc");
      assert.equal(unknown.status, 503);
      assert.equal(unknown.headers["retry-after"], "1");
      assert.match(unknown.body, /No replica serves version "cccccccccccccccc".*\n/);
    });

    it("uses the other version when none of the chosen one's replicas can take the request", async () => {
      const port = await subject.serve(weighted(1, 1));
      await next[0]!.stop();
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(port)));
      assert.ok(answers.every(({ status }) => status === 200));
    });

    it("retries a pinned request only within its version", async () => {
      const port = await subject.serve(
        routing([route({ primary: version(1, old), canary: version(1, next, CANARY) })], {
          balancer: balancer({ queueTimeoutSeconds: 0.3 }),
        }),
      );
      await next[0]!.stop();
      const answer = await ask(port, { headers: { "x-pulumi-serve-version": "canary" } });
      assert.equal(answer.status, 503);
      assert.equal(old[0]!.seen.length + old[1]!.seen.length, 0);
    });
  });

  describe("routes", () => {
    it("lets the longest prefix win, whole path segments only", async () => {
      const [all, v1, chat] = [await startReplica(), await startReplica(), await startReplica()];
      const port = await subject.serve(
        routing([
          route({ prefix: "/", primary: version(1, [all]) }),
          route({ prefix: "/v1", primary: version(1, [v1]) }),
          route({ prefix: "/v1/chat/", primary: version(1, [chat]) }),
        ]),
      );
      const at = async (path: string): Promise<string> => (await ask(port, { path })).body;
      assert.equal(await at("/x"), all.id);
      assert.equal(await at("/v1"), v1.id);
      assert.equal(await at("/v1?q=1"), v1.id);
      assert.equal(await at("/v1x"), all.id);
      assert.equal(await at("/v1/chat/completions"), chat.id);
      assert.deepEqual(chat.seen[0]!.url, "/v1/chat/completions");
    });

    it("answers 404 with a sentence where no route is", async () => {
      const port = await subject.serve(
        routing([route({ prefix: "/v1", primary: version(1, [await startReplica()]) })]),
      );
      const answer = await ask(port, { path: "/v2/models?secret=1" });
      assert.equal(answer.status, 404);
      assert.match(answer.body, /No pool serves this path: \/v2\/models\./);
    });
  });

  describe("the policies within a version", () => {
    it("roundRobin takes turns", async () => {
      const replicas = [await startReplica(), await startReplica(), await startReplica()];
      const port = await subject.serve(
        routing([route({ primary: version(1, replicas) })], { balancer: balancer({ policy: "roundRobin" }) }),
      );
      for (let sent = 0; sent < 9; sent += 1) await askInTurn(port);
      assert.deepEqual(
        replicas.map(({ seen }) => seen.length),
        [3, 3, 3],
      );
    });

    it("leastLoad sends nothing to a replica that is busier than another", async () => {
      let finish = (): void => undefined;
      const slow = await startReplica((_req, res) => (finish = () => res.end()));
      const quick = await startReplica();
      const port = await subject.serve(routing([route({ primary: version(1, [slow, quick]) })]));
      // One after the other: two threads of an engine may give the same replica to two that come at the same moment.
      const first: Promise<unknown>[] = [];
      while (slow.seen.length === 0) {
        let answered = false;
        first.push(ask(port).then(() => (answered = true)));
        await until("it is answered, or the slow replica has it", () => answered || slow.seen.length > 0);
      }
      for (let sent = 0; sent < 10; sent += 1) {
        // An engine may count a request down a moment after its client has the answer.
        await until("it is idle", async () => (await subject.report()).replicas[quick.id]!.inFlight === 0);
        await ask(port);
      }
      finish();
      await Promise.all(first);
      assert.equal(slow.seen.length, 1);
      assert.equal(quick.seen.length, 10 + first.length - 1);
    });
  });
}
