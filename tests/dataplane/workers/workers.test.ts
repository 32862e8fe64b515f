import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { DataPlaneClient } from "../../../provider/dataplane/client";
import type { BalancerSpec } from "../../../provider/core/spec/pool";
import { freePort } from "../../e2e/harness/free-port";
import { ask, RawClient } from "../support/client";
import {
  childrenOf,
  isRunning,
  kill,
  startBuilt,
  startEngine,
  startWorkers,
  type ProcessUnderTest,
} from "../support/engine-process";
import { Load } from "../support/load";
import { startListening, startReplica, stopReplicas, type TestReplica } from "../support/replica";
import { balancer, CANARY, primaryOnly, route, routing, version } from "../support/routing";
import { shutDownMidstream } from "../support/shut-down-midstream";
import { until } from "../support/until";

const WITHIN_MS = 60_000;

describe("the workers of the embedded data plane", function () {
  let engine: ProcessUnderTest;
  const started: number[] = [];
  beforeEach(async () => {
    engine = await startEngine();
  });
  afterEach(async () => {
    for (const pid of started.splice(0)) await kill(pid);
    await engine.stop();
    await stopReplicas();
  });

  const serve = async (replicas: TestReplica[], change: Partial<BalancerSpec>): Promise<number> => {
    await engine.plane.apply(primaryOnly(replicas, change));
    return (await engine.plane.observe()).endpoint!.port;
  };
  const workers = (): number[] => childrenOf(engine.pid);
  const openStream = async (port: number): Promise<RawClient> => {
    const stream = new RawClient(port);
    stream.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
    await until("the stream began", () => stream.received.includes("first"));
    return stream;
  };
  const streams: (() => void)[] = [];
  const streaming = (): Promise<TestReplica> =>
    startListening((req, res, replica) => {
      if (req.url !== "/stream") return void res.end(replica.id);
      res.write("first");
      streams.push(() => res.end("last"));
    });
  const endStreams = (): void => streams.splice(0).forEach((end) => end());
  const arrivals = async (): Promise<number> => (await engine.plane.observe()).pools!["pool"]!.arrivals;

  it("split exactly but for the windows that they are in, whatever connections come", async () => {
    const [old, next] = [await startReplica(), await startReplica()];
    const [workers, canary, primary] = [3, 3, 7];
    await engine.plane.apply(
      routing([route({ primary: version(primary, [old]), canary: version(canary, [next], CANARY) })], {
        balancer: balancer({ workers }),
      }),
    );
    const { port } = (await engine.plane.observe()).endpoint!;
    const before = { old: 0, next: 0 };
    for (let round = 0; round < 4; round += 1) {
      const load = new Load(port, 16, () => (round % 2 === 0 ? {} : { headers: { connection: "close" } }));
      await until("the load ran", () => load.requests > 300, WITHIN_MS);
      await load.stop();
      assert.deepEqual(load.failures, []);
      assert.ok(old.seen.length > before.old && next.seen.length > before.next);
      Object.assign(before, { old: old.seen.length, next: next.seen.length });
      const total = old.seen.length + next.seen.length;
      const off = Math.abs(next.seen.length - (total * canary) / (canary + primary));
      assert.ok(off <= workers * (canary + primary), `${next.seen.length} of ${total} went to the canary`);
    }
    const { firstAttempts } = (await engine.plane.observe()).routes["/"]!;
    assert.deepEqual(firstAttempts, { primary: old.seen.length, canary: next.seen.length });
  });

  it("never have more at a replica than it may have, nor more who wait, all of them together", async () => {
    const held: (() => void)[] = [];
    const holding = await startListening((_req, res) => void held.push(() => res.end("done")));
    const port = await serve([holding], { workers: 3, maxInFlightPerReplica: 4, maxQueue: 7 });
    const answers = Array.from({ length: 40 }, () => ask(port).then(({ status }) => status));
    let refused = 0;
    for (const answer of answers) void answer.then((status) => (refused += status === 503 ? 1 : 0));
    const seen = async (): Promise<number[]> => {
      const { replicas, routes } = await engine.plane.observe();
      return [replicas[holding.id]!.inFlight, routes["/"]!.queued];
    };
    await until("each runs, waits or was refused", async () => {
      const [inFlight, queued] = await seen();
      return inFlight! + queued! + refused === answers.length && held.length === inFlight;
    });
    const [inFlight, queued] = await seen();
    assert.ok(inFlight! <= 4 && queued! <= 7, `${inFlight} run and ${queued} wait`);
    for (let done = 0; done < answers.length - refused; done += 1) {
      await until("one runs", () => held.length > 0);
      assert.ok(held.length <= 4);
      held.shift()!();
    }
    assert.deepEqual([...new Set(await Promise.all(answers))].sort(), [200, 503]);
  });

  it("are replaced when they die: the others serve on, and no count falls", async () => {
    const replica = await startReplica();
    const port = await serve([replica], { workers: 2 });
    assert.equal(workers().length, 2);
    const load = new Load(port, 8, () => ({ headers: { connection: "close" } }));
    for (let death = 1; death <= 3; death += 1) {
      const [lost, kept] = workers();
      const soFar = load.requests;
      await until("the load runs", () => load.requests > soFar + 100, WITHIN_MS);
      const counted = await arrivals();
      await kill(lost!);
      await until("another one is there", () => workers().length === 2);
      assert.ok(isRunning(kept!));
      assert.ok((await arrivals()) >= counted);
      assert.ok(load.failures.length <= 8 * death, "more than what it had under way was lost");
    }
    const failed = load.failures.length;
    const soFar = load.requests;
    await until("the load ran on", () => load.requests > soFar + 100, WITHIN_MS);
    await load.stop();
    assert.equal(load.failures.length, failed);
    const log = readFileSync(`${engine.folder}/dataplane.log`, "utf8");
    assert.equal(log.match(/worker \d+ has died, and another one takes its place/g)?.length, 3);
  });

  it("are replaced when they hang, and until then the others serve and are told of", async () => {
    const replica = await startReplica();
    const port = await serve([replica], { workers: 2 });
    const [hung] = workers();
    process.kill(hung!, "SIGSTOP");
    // Some clients may have come to the one that hangs: they are cut with it.
    const asked = Array.from({ length: 10 }, () => ask(port).catch(() => null));
    await until("somebody was answered", () => replica.seen.length > 0);
    assert.equal((await engine.plane.observe()).replicas[replica.id]!.healthy, true);
    await until("another one has its place", async () => {
      await engine.plane.observe();
      return !isRunning(hung!) && workers().length === 2;
    });
    await Promise.all(asked);
    for (let each = 0; each < 10; each += 1) assert.equal((await ask(port)).body, replica.id);
  });

  it("keep no client from its answer even when all of them die at once", async () => {
    const replica = await startReplica();
    const port = await serve([replica], { workers: 2 });
    await Promise.all(workers().map(kill));
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(port)));
    assert.ok(answers.every(({ status }) => status === 200));
  });

  it("come and go with their number, while no request fails and no stream is cut", async () => {
    const replica = await streaming();
    const port = await serve([replica], {});
    const open: RawClient[] = [];
    const loads = [new Load(port, 4, () => ({})), new Load(port, 4, () => ({ headers: { connection: "close" } }))];
    for (const number of [2, 4, 3, 1, 2, 1]) {
      const counted = await arrivals();
      assert.equal(await serve([replica], { workers: number }), port);
      open.push(await openStream(port));
      const soFar = loads.map(({ requests }) => requests);
      await until("the load ran on", () => loads.every(({ requests }, at) => requests > soFar[at]! + 50), WITHIN_MS);
      assert.ok((await arrivals()) >= counted, "a count that falls would be taken for a restart");
    }
    for (const load of loads) await load.stop();
    assert.deepEqual(
      loads.flatMap(({ failures }) => failures),
      [],
    );
    await until("only the streams run", async () => {
      return (await engine.plane.observe()).replicas[replica.id]!.inFlight === open.length;
    });
    endStreams();
    for (const stream of open) await until("the stream ended whole", () => stream.received.endsWith("0\r\n\r\n"));
    for (const stream of open) stream.close();
    await until("nobody is left but who serves", () => workers().length === 0);
    assert.equal((await ask(port)).body, replica.id);
  });

  it("leave the port at once when their head is killed, and end what runs", async () => {
    const replica = await streaming();
    const endpoint = { host: "127.0.0.1", port: await freePort() };
    await engine.plane.apply({ ...primaryOnly([replica], { workers: 2 }), endpoint });
    const before = workers();
    const [stream, idle] = [await openStream(endpoint.port), new RawClient(endpoint.port)];
    await kill(engine.pid);
    started.push(startBuilt(engine.folder));
    let again: DataPlaneClient | null = null;
    await until("its successor serves", async () => {
      again ??= await DataPlaneClient.connect(engine.folder).catch(() => null);
      return again !== null && (await again.observe()).endpoint?.port === endpoint.port;
    });
    assert.equal((await ask(endpoint.port)).body, replica.id);
    await until("who asked nothing was let go", () => idle.closed);
    endStreams();
    await until("the stream ended whole", () => stream.received.endsWith("0\r\n\r\n"));
    stream.close();
    await until("the workers of the one that was killed have ended", () => !before.some(isRunning));
    (again as unknown as DataPlaneClient).close();
  });

  it("are none where the first endpoint is taken, and serve when it is free", async () => {
    const replica = await startReplica();
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const endpoint = { host: "127.0.0.1", port: (holder.address() as AddressInfo).port };
    const put = (workers: number) => engine.plane.apply({ ...primaryOnly([replica], { workers }), endpoint });
    await assert.rejects(put(2), { code: "EndpointInUse" });
    await until("no worker is left", () => workers().length === 0);
    await new Promise((resolve) => holder.close(resolve));
    await put(1);
    assert.equal((await ask(endpoint.port)).body, replica.id);
    await put(2);
    assert.equal((await ask(endpoint.port)).body, replica.id);
    assert.equal(workers().length, 2);
  });

  it("move to another endpoint together, and stay where they are when that is taken", async () => {
    const replica = await streaming();
    const port = await serve([replica], { workers: 2 });
    const stream = await openStream(port);
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const taken = (holder.address() as AddressInfo).port;
    const at = (port: number) => ({ ...primaryOnly([replica], { workers: 2 }), endpoint: { host: "127.0.0.1", port } });
    try {
      await assert.rejects(engine.plane.apply(at(taken)), { code: "EndpointInUse" });
      assert.equal((await engine.plane.observe()).endpoint!.port, port);
      for (let asked = 0; asked < 20; asked += 1) assert.equal((await ask(port)).body, replica.id);
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
    await engine.plane.apply(at(taken));
    assert.equal((await engine.plane.observe()).endpoint!.port, taken);
    for (let asked = 0; asked < 20; asked += 1) assert.equal((await ask(taken)).body, replica.id);
    await assert.rejects(ask(port), /ECONNREFUSED/);
    endStreams();
    await until("the stream ended whole", () => stream.received.endsWith("0\r\n\r\n"));
    stream.close();
  });

  it("tell the agent that a request waits for a pool that sleeps", async () => {
    let told = 0;
    engine.plane.onWaiting(() => (told += 1));
    const asleep = { ...balancer({ workers: 2 }) };
    await engine.plane.apply(routing([route({ primary: version(1, []), wakeSeconds: 30 })], { balancer: asleep }));
    const answer = ask((await engine.plane.observe()).endpoint!.port);
    await until("the agent was told", () => told === 1);
    const replica = await startReplica();
    await serve([replica], { workers: 2 });
    assert.equal((await answer).body, replica.id);
  });

  it("hold nothing of the environment that is not on the allow-list, and no key among their arguments", async () => {
    process.env.PULUMI_CONFIG_PASSPHRASE = "must not pass";
    try {
      await serve([await startReplica()], { workers: 2 });
      for (const pid of workers()) {
        assert.ok(!readFileSync(`/proc/${pid}/environ`, "utf8").includes("must not pass"));
        assert.match(readFileSync(`/proc/${pid}/cmdline`, "utf8"), /embedded\/workers\/main\.js\0[^\0]+\0$/);
      }
    } finally {
      delete process.env.PULUMI_CONFIG_PASSPHRASE;
    }
  });

  it("shut down after their streams have ended, and leave nothing", async () => {
    const other = await startWorkers(2);
    const letClientsGo = await shutDownMidstream(other);
    letClientsGo();
    await other.stop();
    await serve([await startReplica()], { workers: 2 });
    const running = workers();
    assert.equal(running.length, 2);
    // A computer that goes down tells all of them.
    for (const pid of [...running, engine.pid]) process.kill(pid, "SIGTERM");
    await until("all have ended", () => ![...running, engine.pid].some(isRunning));
  });
});
