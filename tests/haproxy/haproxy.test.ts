import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { DataPlaneClient } from "../../provider/dataplane/client";
import type { KeyPair } from "../../provider/core/spec/tls-input";
import { findHaproxy } from "../../provider/dataplane/haproxy/binary";
import { serverName } from "../../provider/dataplane/haproxy/names";
import { endOrphans, readRecords } from "../../provider/dataplane/haproxy/worker-records";
import { engineSocket } from "../../provider/host/paths";
import { makeKeyPair, shownBy, whyNoCertificates } from "../dataplane/support/certificate";
import { ask, RawClient } from "../dataplane/support/client";
import { isRunning, kill, startBuilt, startEngine, type ProcessUnderTest } from "../dataplane/support/engine-process";
import { Load } from "../dataplane/support/load";
import { startListening, startReplica, stopReplicas, type TestReplica } from "../dataplane/support/replica";
import { CANARY, PRIMARY, primaryOnly, route, routing, tlsOf, version } from "../dataplane/support/routing";
import { shutDownMidstream } from "../dataplane/support/shut-down-midstream";
import { until } from "../dataplane/support/until";

const WITHIN_MS = 30_000;

/** Of the process, its threads together: user and system time. */
function cpuSeconds(pid: number): number {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ")
    .slice(11, 13);
  return (Number(user) + Number(system)) / 100;
}

function assertWithoutKeys(file: string): void {
  assert.doesNotMatch(readFileSync(file, "utf8"), /PRIVATE KEY/, file);
}

describe("HAProxy and its supervisor", function () {
  const found = findHaproxy();
  if (found.kind === "unusable") {
    it(`are not tested here: ${found.reason}`);
    return;
  }
  let engine: ProcessUnderTest;
  const supervisors: number[] = [];
  beforeEach(async () => {
    engine = await startEngine("haproxy");
  });
  afterEach(async () => {
    for (const pid of supervisors.splice(0)) await kill(pid);
    await engine.stop();
    await stopReplicas();
  });

  const haproxyPids = (): number[] => readRecords(engine.folder).workers.map(({ pid }) => pid);
  const runtime = (number: number, command: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(engineSocket(engine.folder, String(number)));
      let answer = "";
      socket.on("data", (chunk) => (answer += chunk.toString()));
      socket.on("error", reject);
      socket.on("close", () => resolve(answer));
      socket.write(`${command}\n`);
    });
  /** Another supervisor over what the killed one left. */
  const supervisorAgain = async (): Promise<DataPlaneClient> => {
    supervisors.push(startBuilt(engine.folder, "haproxy"));
    let plane: DataPlaneClient | null = null;
    await until(
      "a supervisor answers that has put the routing in force",
      async () => {
        plane ??= await DataPlaneClient.connect(engine.folder).catch(() => null);
        // The killed one may take connections for a moment before it is quite gone.
        const generation = await plane?.observe().then(
          (report) => report.generation,
          () => (plane = null),
        );
        return (generation ?? 0) > 0;
      },
      WITHIN_MS,
    );
    return plane!;
  };

  it("change members, weights and roles without another process, and render what they changed", async () => {
    const [old, next] = [await startReplica(), await startReplica()];
    await engine.plane.apply(primaryOnly([old]));
    const before = haproxyPids();
    await engine.plane.apply(routing([route({ primary: version(3, [old]), canary: version(1, [next], CANARY) })]));
    await engine.plane.apply(routing([route({ primary: version(1, [next], CANARY), draining: [old] })]));
    assert.deepEqual(haproxyPids(), before);
    const config = readFileSync(join(engine.folder, "haproxy", "1.cfg"), "utf8");
    assert.ok(config.includes(serverName(next, CANARY)));
    assert.ok(!config.includes(`  server ${old.id}.`));
    const port = (await engine.plane.observe()).endpoint!.port;
    assert.equal((await ask(port)).body, next.id);
    await until("the drained one is taken away", async () => {
      return !(await runtime(1, "show servers state")).includes(`${old.id}.`);
    });
  });

  it("weigh who joins through the Runtime API, also of a HAProxy that was killed, and all alike under another supervisor", async () => {
    const [first, joins] = [await startReplica(), await startReplica()];
    const put = (replicas: TestReplica[], slowStartSeconds: number): Promise<void> =>
      engine.plane.apply(primaryOnly(replicas, { slowStartSeconds }));
    const weights = async (worker: number): Promise<[number, number]> => {
      const state = (await runtime(worker, "show servers state")).split("\n");
      const weightOf = ({ id }: TestReplica) => Number(state.find((line) => line.includes(` ${id}.`))?.split(" ")[7]);
      return [weightOf(first), weightOf(joins)];
    };
    await put([first], 3600);
    await put([first, joins], 3600);
    const [pid] = haproxyPids();
    const [whole, least] = await weights(1);
    assert.ok(whole === 256 && least >= 26 && least < 64, `${whole} and ${least}`);
    await put([first, joins], 600);
    await until("it gets more", async () => (await weights(1))[1] > least, WITHIN_MS);
    assert.deepEqual(haproxyPids(), [pid], "another time needs no other process");
    process.kill(pid!, "SIGKILL");
    await until("another HAProxy serves", () => haproxyPids()[0] !== pid, WITHIN_MS);
    const [again, more] = await weights(2);
    assert.ok(again === 256 && more > least && more < 256, `${again} and ${more}`);
    await kill(engine.pid);
    (await supervisorAgain()).close();
    assert.deepEqual(await weights(2), [256, 256]);
  });

  it("let only their user at the Runtime API, by which the log is read, and the waiting room", async () => {
    await engine.plane.apply(primaryOnly([await startReplica()]));
    for (const name of ["1", "room"])
      assert.equal(statSync(engineSocket(engine.folder, name)).mode & 0o777, 0o600, name);
    for (const file of readdirSync(join(engine.folder, "haproxy")))
      assert.equal(statSync(join(engine.folder, "haproxy", file)).mode & 0o777, 0o600, file);
  });

  it("put a structural change in force with a new process that takes the listener over: nobody fails, streams end whole", async () => {
    let finish = (): void => undefined;
    const replica = await startListening((req, res) => {
      if (req.url === "/stream") {
        res.write("first");
        finish = () => res.end("last");
      } else res.end("ok");
    });
    await engine.plane.apply(primaryOnly([replica]));
    const { port } = (await engine.plane.observe()).endpoint!;
    const stream = new RawClient(port);
    stream.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
    await until("the stream began", () => stream.received.includes("first"));
    const load = new Load(port, 8, () => ({ body: "x".repeat(2000) }));
    for (let change = 1; change <= 5; change += 1) {
      const soFar = load.requests;
      await engine.plane.apply(primaryOnly([replica], { maxQueue: 100 + change }));
      await until("the load ran on", () => load.requests > soFar + 50, WITHIN_MS);
    }
    await load.stop();
    assert.deepEqual(load.failures, []);
    await until("only the stream runs", async () => {
      return (await engine.plane.observe()).replicas[replica.id]!.inFlight === 1;
    });
    finish();
    await until("the stream ended whole", () => stream.received.endsWith("0\r\n\r\n"));
    stream.close();
    await until("only the last process is left", () => haproxyPids().length === 1, WITHIN_MS);
  });

  it("go on without their supervisor, and under the next one, which knows what the killed one did", async () => {
    const [old, next] = [await startReplica(), await startReplica()];
    await engine.plane.apply(routing([route({ primary: version(1, [old]), canary: version(1, [next], CANARY) })]));
    const { port } = (await engine.plane.observe()).endpoint!;
    const pids = haproxyPids();
    const load = new Load(port, 4, () => ({}));
    await kill(engine.pid);
    const withoutSupervisor = load.requests;
    await until("the load runs on without a supervisor", () => load.requests > withoutSupervisor + 100, WITHIN_MS);
    const plane = await supervisorAgain();
    await plane.apply(routing([route({ primary: version(1, [next], CANARY), draining: [old] })]));
    await load.stop();
    assert.deepEqual(load.failures, []);
    assert.deepEqual(haproxyPids(), pids);
    old.seen.length = 0;
    for (let sent = 0; sent < 10; sent += 1) assert.equal((await ask(port)).body, next.id);
    plane.close();
  });

  it("leave HAProxy idle without its supervisor, and count on under the next one", async () => {
    const replica = await startReplica();
    await engine.plane.apply(primaryOnly([replica]));
    const { port } = (await engine.plane.observe()).endpoint!;
    const [pid] = haproxyPids();
    await kill(engine.pid);
    for (let sent = 0; sent < 10; sent += 1) await ask(port);
    const [cpu, begun] = [cpuSeconds(pid!), performance.now()];
    await until("two seconds have passed", () => performance.now() > begun + 2000);
    // One that calls for its supervisor without a pause takes as much of a core as it can get.
    assert.ok(cpuSeconds(pid!) - cpu < 0.1, "HAProxy works with nothing to do");
    const plane = await supervisorAgain();
    await ask(port);
    await until("what came since is counted", async () => {
      return (await plane.observe()).versions["pool"]?.[PRIMARY]?.requests === 1;
    });
    plane.close();
  });

  it("start HAProxy again from the truth when it was killed", async () => {
    const [one, two] = [await startReplica(), await startReplica()];
    await engine.plane.apply(primaryOnly([one]));
    await engine.plane.apply(primaryOnly([two]));
    const { port } = (await engine.plane.observe()).endpoint!;
    const [killed] = haproxyPids();
    await kill(killed!);
    await until(
      "it serves again",
      () =>
        ask(port).then(
          ({ body }) => body === two.id,
          () => false,
        ),
      WITHIN_MS,
    );
    await until("it is another process", () => haproxyPids()[0] !== killed);
  });

  it("start HAProxy again when it hangs, which breaks no connection and answers nobody", async () => {
    const replica = await startReplica();
    await engine.plane.apply(primaryOnly([replica]));
    const { port } = (await engine.plane.observe()).endpoint!;
    const [hung] = haproxyPids();
    const waiting = new RawClient(port);
    process.kill(hung!, "SIGSTOP");
    await until("it was ended", () => !isRunning(hung!), WITHIN_MS);
    await until(
      "it serves again",
      () =>
        ask(port).then(
          ({ body }) => body === replica.id,
          () => false,
        ),
      WITHIN_MS,
    );
    await until("whoever waited for the hung one knows", () => waiting.closed);
  });

  it("end a HAProxy that hangs when they find it, which would hold the port", async () => {
    const replica = await startReplica();
    await engine.plane.apply(primaryOnly([replica]));
    const { port } = (await engine.plane.observe()).endpoint!;
    await kill(engine.pid);
    const [hung] = haproxyPids();
    process.kill(hung!, "SIGSTOP");
    const plane = await supervisorAgain();
    assert.ok(!isRunning(hung!));
    assert.equal((await plane.observe()).endpoint!.port, port);
    assert.equal((await ask(port)).body, replica.id);
    plane.close();
  });

  it("change a certificate without another process, and start from the last one when either is killed", async function () {
    if (whyNoCertificates !== null) {
      this.test!.title += ` - ${whyNoCertificates}`;
      this.skip();
    }
    const replica = await startReplica();
    const pairs = ["one", "two", "three"].map((name) => makeKeyPair(name));
    const put = (plane: DataPlaneClient, pair: KeyPair) =>
      plane.apply(primaryOnly([replica], { tls: tlsOf(pair) }), pair);
    await put(engine.plane, pairs[0]!);
    const before = haproxyPids();
    await put(engine.plane, pairs[1]!);
    const { port } = (await engine.plane.observe()).endpoint!;
    assert.equal((await shownBy(port)).name, "two");
    assert.deepEqual(haproxyPids(), before);
    await kill(before[0]!);
    await until(
      "it serves again",
      () =>
        shownBy(port)
          .then(({ name }) => name === "two")
          .catch(() => false),
      WITHIN_MS,
    );
    await kill(engine.pid);
    const plane = await supervisorAgain();
    const [serving] = haproxyPids();
    assert.equal((await shownBy(port)).name, "two");
    await put(plane, pairs[2]!);
    assert.equal((await shownBy(port)).name, "three");
    assert.equal(haproxyPids()[0], serving);
    for (const file of readdirSync(join(engine.folder, "haproxy"))) {
      assert.equal(statSync(join(engine.folder, "haproxy", file)).mode & 0o777, 0o600, file);
      if (!file.endsWith(".pem")) assertWithoutKeys(join(engine.folder, "haproxy", file));
    }
    assertWithoutKeys(join(engine.folder, "dataplane.log"));
    plane.close();
  });

  it("start HAProxy again when both were killed", async () => {
    const replica = await startReplica();
    await engine.plane.apply(primaryOnly([replica]));
    const { port } = (await engine.plane.observe()).endpoint!;
    await kill(engine.pid);
    await kill(haproxyPids()[0]!);
    const plane = await supervisorAgain();
    assert.equal((await plane.observe()).endpoint!.port, port);
    assert.equal((await ask(port)).body, replica.id);
    assert.ok(!existsSync(engineSocket(engine.folder, "1")), "nothing is left of the killed one");
    plane.close();
  });

  it("say EndpointInUse in a sentence and keep what is in force", async () => {
    const replica = await startReplica();
    const serving = primaryOnly([replica]);
    await engine.plane.apply(serving);
    await assert.rejects(
      engine.plane.apply({ ...primaryOnly([replica]), endpoint: { host: "127.0.0.1", port: replica.port } }),
      { code: "EndpointInUse", message: new RegExp(`Another process holds 127\\.0\\.0\\.1:${replica.port}`) },
    );
    const report = await engine.plane.observe();
    assert.equal(report.generation, serving.generation);
    assert.equal((await ask(report.endpoint!.port)).status, 200);
  });

  it("end after their streams, idle clients or not, and leave nothing", async () => {
    await engine.plane.apply(primaryOnly([await startReplica()]));
    const [pid] = haproxyPids();
    const letClientsGo = await shutDownMidstream(engine);
    assert.ok(!isRunning(pid!));
    await until("the supervisor ended", () => !isRunning(engine.pid));
    for (const name of ["1", "log", "room"]) assert.ok(!existsSync(engineSocket(engine.folder, name)), name);
    assert.deepEqual(
      readdirSync(engine.folder).filter((name) => name !== "dataplane.log"),
      [],
    );
    letClientsGo();
  });

  it("send a slow client the rest of its answer when the replica has gone, and end only then", async () => {
    const body = Buffer.alloc(12 * 1024 * 1024, "x");
    const replica = await startListening((_req, res) => void res.end(body));
    await engine.plane.apply(primaryOnly([replica]));
    const client = connect((await engine.plane.observe()).endpoint!.port, "127.0.0.1");
    client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    let [received, closed] = [0, false];
    client.on("close", () => (closed = true));
    const inFlight = async (): Promise<number> => (await engine.plane.observe()).replicas[replica.id]!.inFlight;
    const readSome = (): void => {
      received += (client.read(65_536) as Buffer | null)?.length ?? 0;
    };
    await until("the replica answers", async () => (await inFlight()) === 1);
    await until("the replica is idle", async () => {
      readSome();
      return (await inFlight()) === 0;
    });
    assert.ok(received < body.length, "the client has yet to read");
    await replica.stop();
    const over = engine.plane.shutdown(60);
    await until("the client has nearly all of it", () => {
      readSome();
      return received > body.length - 65_536;
    });
    client.on("data", (chunk) => (received += chunk.length));
    await until("the client has all of it", () => received > body.length);
    await over;
    await until("the connection is closed", () => closed);
  });

  it("leave orphans that can be ended by what is written down", async () => {
    await engine.plane.apply(primaryOnly([await startReplica()]));
    const [pid] = haproxyPids();
    await kill(engine.pid);
    assert.ok(isRunning(pid!));
    // One that hangs, too: it takes no word, and would hold the port for ever.
    process.kill(pid!, "SIGSTOP");
    endOrphans(engine.folder);
    await until("it ended", () => !isRunning(pid!));
    for (const name of ["1", "room"]) assert.ok(!existsSync(engineSocket(engine.folder, name)), name);
  });
});
