import assert from "node:assert/strict";
import type { AffinitySpec, BalancerSpec } from "../../../provider/core/spec/pool";
import { ask, RawClient } from "../support/client";
import { startReplica, stopReplicaAt, type TestReplica } from "../support/replica";
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

  /** Says its port, and at once, but to what it holds. */
  const holding = (held: (() => void)[]): Promise<TestReplica> =>
    startReplica((req, res) => {
      if (req.url === "/hold") held.push(() => res.end("held"));
      else res.end(String(req.socket.localPort));
    });

  describe("a service with affinity", () => {
    it("sends the same key to the same replica, different ones to others, and those without one by its policy", async () => {
      const replicas = await startReplicas(4);
      const port = await subject.serve(primaryOnly(replicas, { affinity, policy: "roundRobin" }));
      const first = await whoAnswers(port);
      assert.deepEqual(await whoAnswers(port), first);
      assert.ok(new Set(first.values()).size >= 3, "24 keys spread over 4 replicas");
      const without = [];
      for (let each = 0; each < 4; each += 1) without.push((await ask(port, { agent: subject.agent })).body);
      assert.equal(new Set(without).size, 4);
    });

    it("knows a cookie by its whole name", async () => {
      const replicas = await startReplicas(4);
      const port = await subject.serve(primaryOnly(replicas, { affinity: { cookie: "sid" }, policy: "roundRobin" }));
      const answering = async (cookie: string): Promise<string> =>
        (await ask(port, { headers: { cookie }, agent: subject.agent })).body;
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
      const one = { headers: { "x-session": "one" }, agent: subject.agent };
      const answers = [];
      for (let each = 0; each < 40; each += 1) answers.push((await ask(port, one)).body);
      assert.equal(answers.filter((id) => canary.some((replica) => replica.id === id)).length, 10);
      assert.equal(new Set(answers).size, 2);
    });

    it("passes over the replica of a key that has too much to do, and comes back to it", async () => {
      const held: (() => void)[] = [];
      const replicas = [await holding(held), await holding(held), await holding(held)];
      const port = await subject.serve(primaryOnly(replicas, { affinity: { ...affinity, maxLoadGap: 3 } }));
      const headers = { "x-session": "one" };
      const answering = async (): Promise<string> => (await ask(port, { headers })).body;
      const keeper = await answering();
      const busy: Promise<unknown>[] = [];
      for (let each = 1; each <= 3; each += 1) {
        busy.push(ask(port, { path: "/hold", headers }));
        await until("it is held", () => held.length === each);
        assert.equal(await answering(), keeper, `${each} more than the others`);
      }
      busy.push(ask(port, { path: "/hold", headers }));
      await until("it is held", () => held.length === 4);
      assert.notEqual(await answering(), keeper);
      for (const release of held) release();
      await Promise.all(busy);
      await subject.settled();
      assert.equal(await answering(), keeper);
    });

    it("reckons what its replica has to do by what the machine carries", async () => {
      const held: (() => void)[] = [];
      const replicas = [await holding(held), await holding(held), await holding(held)];
      const headers = { "x-session": "one" };
      const answering = async (port: number): Promise<string> => (await ask(port, { headers })).body;
      const keeper = await answering(await subject.serve(primaryOnly(replicas, { affinity })));
      const busy: Promise<unknown>[] = [];
      const hold = async (port: number, requests: number, more: Record<string, string> = {}): Promise<void> => {
        for (let each = 0; each < requests; each += 1) {
          busy.push(ask(port, { path: "/hold", headers: more }));
          await until("it is held", () => held.length === busy.length);
        }
      };
      const release = async (): Promise<void> => {
        for (const end of held) end();
        await Promise.all(busy);
        [held.length, busy.length] = [0, 0];
        await subject.settled();
      };
      const weighing = (weight: number): Promise<number> =>
        subject.serve(
          primaryOnly(
            replicas.map((replica) => (String(replica.port) === keeper ? { ...replica, weight } : replica)),
            { affinity: { ...affinity, maxLoadGap: 3 } },
          ),
        );
      // What the policy gives: 2 to a machine that carries a quarter of the others, 8 to each of them.
      const weak = await weighing(0.25);
      await hold(weak, 18);
      assert.equal(await answering(weak), keeper);
      await hold(weak, 6, headers);
      assert.notEqual(await answering(weak), keeper);
      await release();
      // 16 to one that carries four times as much as the others, 4 to each of them.
      const strong = await weighing(4);
      await hold(strong, 24);
      await hold(strong, 3, headers);
      assert.equal(await answering(strong), keeper);
      await release();
    });
  });

  describe("a service with affinity by the beginning of the body", () => {
    const PROMPTS = KEYS.map((key) => `{"messages":[{"role":"user","content":"${key}, how are you?"}]`);

    const serve = async (affinity: AffinitySpec, more: Partial<BalancerSpec> = {}): Promise<number> => {
      const replicas = await Promise.all(
        [1, 2, 3, 4].map(() =>
          startReplica((req, res, body) => res.end(`${req.socket.localPort}:${body.toString("latin1")}`)),
        ),
      );
      return subject.serve(primaryOnly(replicas, { affinity, policy: "roundRobin", ...more }));
    };
    /** The replica that answers, which must have the whole body. */
    const answering = async (port: number, body: string, more: Record<string, string> = {}): Promise<string> => {
      const answer = await ask(port, { body, headers: more });
      assert.equal(answer.status, 200, answer.body);
      const [replica, ...got] = answer.body.split(":");
      assert.equal(got.join(":"), body);
      return replica!;
    };

    it("sends what begins alike to the same replica, and what begins otherwise to others", async () => {
      const port = await serve({ prefixBytes: 48 });
      const first = new Map<string, string>();
      for (const prompt of PROMPTS) first.set(prompt, await answering(port, prompt));
      assert.ok(new Set(first.values()).size >= 3, "24 prompts spread over 4 replicas");
      for (const [prompt, replica] of first)
        assert.equal(await answering(port, `${prompt},"more":"${"x".repeat(50_000)}"}`), replica, prompt);
      const without = new Set<string>();
      for (let each = 0; each < 4; each += 1) without.add((await ask(port, { agent: subject.agent })).body);
      assert.equal(without.size, 4, "a request without a body goes by the policy");
    });

    it("counts from behind a field of JSON, and from the beginning where there is none", async () => {
      const port = await serve({ prefixBytes: 64, prefixField: "messages" });
      const replicas = new Set<string>();
      for (const prompt of PROMPTS) {
        const replica = await answering(port, prompt);
        replicas.add(replica);
        for (const before of ["", '"model":"m",\n', `"user":"${"u".repeat(3000)}",`])
          assert.equal(await answering(port, `{${before}${prompt.slice(1)}`), replica, before);
      }
      assert.ok(replicas.size >= 3);
      assert.equal(await answering(port, "no JSON"), await answering(port, "no JSON"));
    });

    it("knows a body that comes in pieces, chunked, or when it is asked for", async () => {
      const port = await serve({ prefixBytes: 48 }, { replayBufferBytes: 0 });
      const prompt = PROMPTS[0]!;
      const replica = await answering(port, prompt);
      const inTwo = async (head: string, first: string, second: string): Promise<string> => {
        const client = new RawClient(port);
        client.send(`POST / HTTP/1.1\r\nhost: a\r\n${head}\r\n\r\n`);
        if (head.includes("expect")) await until("it is asked for", () => client.received.includes("100 Continue"));
        client.send(first);
        // Nothing can be seen of it before the rest has come.
        await new Promise((resolve) => setImmediate(resolve));
        client.send(second);
        await until("it is answered", () => client.received.endsWith(prompt));
        const { received } = client;
        client.close();
        assert.equal(received.split("100 Continue").length, head.includes("expect") ? 2 : 1);
        return /(\d+):\{/.exec(received)![1]!;
      };
      const [first, second] = [prompt.slice(0, 20), prompt.slice(20)];
      const length = `content-length: ${prompt.length}`;
      assert.equal(await inTwo(length, first, second), replica);
      assert.equal(await inTwo(`${length}\r\nexpect: 100-continue`, first, second), replica);
      const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
      const last = `${chunk(second)}0\r\n\r\n`;
      assert.equal(await inTwo("transfer-encoding: chunked", chunk(first), last), replica);
    });

    it("does not wait for ever for a client that pauses before it is through", async () => {
      const port = await serve({ prefixBytes: 48 }, { replayBufferBytes: 0 });
      const before = Object.values((await subject.report()).metrics).reduce((sum, { attempts }) => sum + attempts, 0);
      const client = new RawClient(port);
      client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nonly ten b");
      await until("a replica has it", async () => {
        const { metrics } = await subject.report();
        return Object.values(metrics).reduce((sum, { attempts }) => sum + attempts, 0) > before;
      });
      client.send("x".repeat(90));
      await until("it is answered", () => client.received.endsWith(`only ten b${"x".repeat(90)}`));
      client.close();
    });

    it("loses no request when a replica goes, whose prompts another one gets whole", async () => {
      const port = await serve({ prefixBytes: 48 });
      const first = new Map<string, string>();
      for (const prompt of PROMPTS) first.set(prompt, await answering(port, prompt));
      const lost = first.get(PROMPTS[0]!)!;
      await stopReplicaAt(Number(lost));
      for (const [prompt, replica] of first) {
        const now = await answering(port, prompt);
        assert.notEqual(now, lost);
        if (replica !== lost) assert.equal(now, replica, prompt);
      }
    });
  });
}
