import assert from "node:assert/strict";
import { ask } from "../support/client";
import { startReplica, type TestReplica } from "../support/replica";
import { CANARY, primaryOnly, route, routing, version } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

const KEYS = Array.from({ length: 24 }, (_, at) => `session-${at}`);
const affinity = { header: "x-session" };

export function holdsSessionsTogether(subject: Subject): void {
  const startReplicas = (count: number): Promise<TestReplica[]> =>
    Promise.all(Array.from({ length: count }, () => startReplica()));

  /** By key the replica that answers it. */
  const whoAnswers = async (port: number, more: Record<string, string> = {}): Promise<Map<string, string>> => {
    const answers = new Map<string, string>();
    for (const key of KEYS) {
      const answer = await ask(port, { headers: { "x-session": key, ...more } });
      assert.equal(answer.status, 200);
      answers.set(key, answer.body);
    }
    return answers;
  };

  describe("a service with affinity", () => {
    it("sends the same key to the same replica, different ones to others, and those without one by its policy", async () => {
      const replicas = await startReplicas(4);
      const port = await subject.serve(primaryOnly(replicas, { affinity, policy: "roundRobin" }));
      const first = await whoAnswers(port);
      assert.deepEqual(await whoAnswers(port), first);
      assert.ok(new Set(first.values()).size >= 3, "24 keys spread over 4 replicas");
      const without = [];
      for (let each = 0; each < 4; each += 1) without.push((await ask(port)).body);
      assert.equal(new Set(without).size, 4);
    });

    it("knows a cookie by its whole name", async () => {
      const replicas = await startReplicas(4);
      const port = await subject.serve(primaryOnly(replicas, { affinity: { cookie: "sid" }, policy: "roundRobin" }));
      const answering = async (cookie: string): Promise<string> => (await ask(port, { headers: { cookie } })).body;
      const first = await answering("a=1; sid=abc; b=2");
      for (const cookie of ["sid=abc", "sid=abc; a=7", "xsid=no; sid=abc"])
        assert.equal(await answering(cookie), first, cookie);
      const others = new Set<string>();
      for (let each = 0; each < 4; each += 1) others.add(await answering("xsid=abc"));
      assert.equal(others.size, 4, "another cookie holds nothing together");
    });

    it("moves the keys of a replica that drains, and no others", async () => {
      const replicas = await startReplicas(4);
      const port = await subject.serve(primaryOnly(replicas, { affinity }));
      const before = await whoAnswers(port);
      const [leaving, ...staying] = replicas;
      await subject.serve(
        routing([route({ primary: version(1, staying), draining: [leaving!] })], {
          balancer: primaryOnly([], { affinity }).balancer,
        }),
      );
      for (const [key, replica] of await whoAnswers(port)) {
        assert.notEqual(replica, leaving!.id);
        if (before.get(key) !== leaving!.id) assert.equal(replica, before.get(key), key);
      }
    });

    it("asks another replica when the one of the key has gone without a word, and loses no request", async () => {
      const replicas = await startReplicas(3);
      const port = await subject.serve(primaryOnly(replicas, { affinity }));
      const before = await whoAnswers(port);
      const lost = replicas.find(({ id }) => id === before.get(KEYS[0]!))!;
      await lost.stop();
      for (const [key, replica] of await whoAnswers(port)) {
        assert.notEqual(replica, lost.id);
        if (before.get(key) !== lost.id) assert.equal(replica, before.get(key), key);
      }
    });

    it("lets a key go elsewhere while its replica has no room", async () => {
      let release = (): void => undefined;
      const held: string[] = [];
      const answerLater = (): Promise<TestReplica> =>
        startReplica((req, res) => {
          if (req.url !== "/hold") return void res.end("answered");
          held.push(req.url);
          release = () => res.end("held");
        });
      const replicas = [await answerLater(), await answerLater()];
      const port = await subject.serve(primaryOnly(replicas, { affinity, maxInFlightPerReplica: 1 }));
      const headers = { "x-session": "one" };
      const holding = ask(port, { path: "/hold", headers });
      await until("it is held", () => held.length === 1);
      assert.equal((await ask(port, { headers })).body, "answered");
      release();
      assert.equal((await holding).body, "held");
    });

    it("keeps a key at one replica of each version, and the split exact", async () => {
      const [primary, canary] = [await startReplicas(3), await startReplicas(3)];
      const port = await subject.serve(
        routing([route({ primary: version(3, primary), canary: version(1, canary, CANARY) })], {
          balancer: primaryOnly([], { affinity }).balancer,
        }),
      );
      const pin = { "x-pulumi-serve-version": "canary" };
      assert.deepEqual(await whoAnswers(port, pin), await whoAnswers(port, pin));
      const answers = [];
      for (let each = 0; each < 40; each += 1)
        answers.push((await ask(port, { headers: { "x-session": "one" } })).body);
      assert.equal(answers.filter((id) => canary.some((replica) => replica.id === id)).length, 10);
      assert.equal(new Set(answers).size, 2);
    });
  });
}
