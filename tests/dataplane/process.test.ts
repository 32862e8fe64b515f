import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataPlaneClient } from "../../provider/dataplane/client";
import type { ReviveCommand } from "../../provider/dataplane/protocol";
import { controlSocket } from "../../provider/host/paths";
import { makeKeyPair, shownBy, whyNoCertificates } from "./support/certificate";
import { freePort } from "../e2e/harness/free-port";
import { ask, RawClient } from "./support/client";
import { isRunning, kill, startBuilt, startEngine, type ProcessUnderTest } from "./support/engine-process";
import { startConnectable, startListening, startReplica, stopReplicas } from "./support/replica";
import { primaryOnly, tlsOf } from "./support/routing";
import { shutDownMidstream } from "./support/shut-down-midstream";
import { until } from "./support/until";

describe("the process of the embedded data plane", () => {
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

  /** An "agent" that writes its pid and waits to be ended. */
  const reviveInto = (file: string): ReviveCommand => ({
    command: process.execPath,
    args: [
      "-e",
      `require("fs").writeFileSync(${JSON.stringify(file)}, String(process.pid)); setTimeout(() => 0, 20000);`,
    ],
    env: {},
  });
  const revivedAs = async (file: string): Promise<number> => {
    await until("the agent was started again", () => existsSync(file) && readFileSync(file, "utf8") !== "");
    const pid = Number(readFileSync(file, "utf8"));
    started.push(pid);
    return pid;
  };

  /** Undefined: it does not answer. A killed process may take connections for a moment before it is quite gone. */
  const endpointOf = async (folder: string): Promise<unknown> => {
    try {
      const plane = await DataPlaneClient.connect(folder);
      const { endpoint } = await plane.observe();
      plane.close();
      return endpoint;
    } catch {
      return undefined;
    }
  };

  it("lets only its user open the control socket and read what it saved", async () => {
    await engine.plane.apply(primaryOnly([await startReplica()]));
    assert.equal(statSync(controlSocket(engine.folder)).mode & 0o777, 0o600);
    assert.equal(statSync(join(engine.folder, "dataplane.json")).mode & 0o777, 0o600);
  });

  it("refuses orders of an older epoch, whether it learned the newer one by hello or by apply", async () => {
    const desired = primaryOnly([await startReplica()]);
    await engine.plane.apply({ ...desired, epoch: 5 });
    await assert.rejects(engine.plane.apply({ ...desired, epoch: 4, generation: 999 }), { code: "StaleEpoch" });
    const successor = await DataPlaneClient.connect(engine.folder);
    await successor.hello(6, reviveInto(join(engine.folder, "agent-pid")));
    await assert.rejects(engine.plane.apply({ ...desired, epoch: 5, generation: 999 }), { code: "StaleEpoch" });
    await assert.rejects(engine.plane.hello(5, reviveInto("x")), { code: "StaleEpoch" });
    await successor.goodbye();
    successor.close();
  });

  it("does not end for an agent that has been replaced", async () => {
    await engine.plane.hello(1, reviveInto(join(engine.folder, "agent-pid")));
    const successor = await DataPlaneClient.connect(engine.folder);
    await successor.hello(2, reviveInto(join(engine.folder, "agent-pid")));
    await assert.rejects(engine.plane.shutdown(0), { code: "StaleEpoch" });
    assert.ok(isRunning(engine.pid));
    await successor.goodbye();
    successor.close();
  });

  it("says EndpointInUse in a sentence, after trying for two seconds, and keeps what is in force", async () => {
    const replica = await startReplica();
    const serving = primaryOnly([replica]);
    await engine.plane.apply(serving);
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const { port } = holder.address() as AddressInfo;
    try {
      const begun = performance.now();
      await assert.rejects(engine.plane.apply({ ...primaryOnly([replica]), endpoint: { host: "127.0.0.1", port } }), {
        code: "EndpointInUse",
        message: new RegExp(`Another process holds 127\\.0\\.0\\.1:${port}`),
      });
      assert.ok(performance.now() - begun > 1900);
      const report = await engine.plane.observe();
      assert.equal(report.generation, serving.generation);
      assert.equal((await ask(report.endpoint!.port)).status, 200);
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
  });

  it("moves to another endpoint without cutting what runs on the old one", async () => {
    let finish = (): void => undefined;
    const replica = await startListening((_req, res) => {
      res.write("first");
      finish = () => res.end("last");
    });
    await engine.plane.apply(primaryOnly([replica]));
    const stream = new RawClient((await engine.plane.observe()).endpoint!.port);
    stream.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await until("the stream began", () => stream.received.includes("first"));
    const port = await freePort();
    await engine.plane.apply({ ...primaryOnly([replica]), endpoint: { host: "127.0.0.1", port } });
    assert.equal((await engine.plane.observe()).endpoint!.port, port);
    finish();
    await until("the stream ended whole", () => stream.received.endsWith("0\r\n\r\n"));
    stream.close();
  });

  it("that was killed serves from what it saved, before anybody talks to it", async () => {
    const replica = await startReplica();
    const desired = { ...primaryOnly([replica]), endpoint: { host: "127.0.0.1", port: await freePort() } };
    await engine.plane.apply(desired);
    await kill(engine.pid);
    started.push(startBuilt(engine.folder));
    await until(
      "it serves again",
      () =>
        ask(desired.endpoint.port).then(
          ({ body }) => body === replica.id,
          () => false,
        ),
      10_000,
    );
    const again = await DataPlaneClient.connect(engine.folder);
    assert.equal((await again.observe()).generation, desired.generation);
    again.close();
  });

  it("serves with its last certificate again after it was killed, before any agent comes", async function () {
    if (whyNoCertificates !== null) {
      this.test!.title += ` - ${whyNoCertificates}`;
      this.skip();
    }
    const replica = await startReplica();
    const endpoint = { host: "127.0.0.1", port: await freePort() };
    for (const name of ["first", "last"]) {
      const pair = makeKeyPair(name);
      await engine.plane.apply({ ...primaryOnly([replica], { tls: tlsOf(pair) }), endpoint }, pair);
    }
    await kill(engine.pid);
    started.push(startBuilt(engine.folder));
    await until("it serves again", () =>
      shownBy(endpoint.port)
        .then(({ name }) => name === "last")
        .catch(() => false),
    );
    await assert.rejects(ask(endpoint.port));
    assert.equal(statSync(join(engine.folder, "dataplane.json")).mode & 0o777, 0o600);
  });

  it("starts with nothing when what it saved is half written", async () => {
    await kill(engine.pid);
    writeFileSync(join(engine.folder, "dataplane.json"), '{"version":1,"rou');
    started.push(startBuilt(engine.folder));
    await until("it answers and has no endpoint", async () => (await endpointOf(engine.folder)) === null);
  });

  it("ends by itself when one already serves the same folder", async () => {
    const second = startBuilt(engine.folder);
    started.push(second);
    await until("the second one ended", () => !isRunning(second));
    assert.ok(isRunning(engine.pid));
    assert.match(readFileSync(join(engine.folder, "dataplane.log"), "utf8"), /already answers at/);
  });

  it("ends by itself when its service is gone and nobody comes any more", async () => {
    await engine.plane.hello(1, reviveInto(join(engine.folder, "agent-pid")));
    rmSync(engine.folder, { recursive: true });
    engine.plane.close();
    await until("it ended", () => !isRunning(engine.pid));
  });

  it("starts its agent again when that is killed, and again when that does not say hello", async () => {
    const file = join(engine.folder, "agent-pid");
    await engine.plane.hello(1, reviveInto(file));
    engine.plane.close();
    const first = await revivedAs(file);
    rmSync(file);
    assert.notEqual(await revivedAs(file), first);
  });

  it("does not start an agent when another one said hello in time", async () => {
    const file = join(engine.folder, "agent-pid");
    await engine.plane.hello(1, reviveInto(file));
    engine.plane.close();
    const successor = await DataPlaneClient.connect(engine.folder);
    await successor.hello(2, reviveInto(file));
    const waited = performance.now() + 800;
    await until("the time to revive has passed", () => performance.now() > waited);
    assert.ok(!existsSync(file));
    await successor.goodbye();
    successor.close();
  });

  it("gives the successor of an agent that said goodbye its time", async () => {
    const file = join(engine.folder, "agent-pid");
    await engine.plane.hello(1, reviveInto(file));
    await engine.plane.goodbye();
    engine.plane.close();
    const waited = performance.now() + 800;
    await until("the time after a broken connection has passed", () => performance.now() > waited);
    assert.ok(!existsSync(file));
  });

  it("checks replicas rarely while its agent asks after them, and as often as ever while anybody else does", async () => {
    const [INTERVAL_MS, RARE_MS] = [100, 5 * 100];
    const checkedAt: number[] = [];
    const replica = await startConnectable((socket) =>
      socket.on("data", () => {
        checkedAt.push(performance.now());
        socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      }),
    );
    const desired = primaryOnly([replica]);
    desired.routes[0]!.readiness.intervalSeconds = INTERVAL_MS / 1000;
    await engine.plane.apply(desired);
    const gaps = (): number[] => checkedAt.slice(1).map((at, index) => at - checkedAt[index]!);
    // On a busy computer some come late, but none early.
    const isOften = (gap: number): boolean => gap < RARE_MS - 2 * INTERVAL_MS;
    await until("some checks came at their interval", async () => {
      await engine.plane.observe();
      return checkedAt.length > 5 && gaps().some(isOften);
    });
    const file = join(engine.folder, "agent-pid");
    await engine.plane.hello(1, reviveInto(file));
    await engine.plane.observe();
    // What was due when it came to be looked on is still made.
    checkedAt.length = 0;
    await until("it was checked", () => checkedAt.length > 0);
    await until("a few rare ones came", async () => {
      await engine.plane.observe();
      return checkedAt.length > 4;
    });
    assert.ok(!gaps().some(isOften), `${gaps().map(Math.round).join(", ")} ms`);
    await engine.plane.goodbye();
  });

  it("tells the agent when it was killed, and fails what was asked", async () => {
    let told = false;
    engine.plane.onDisconnect(() => (told = true));
    await kill(engine.pid);
    await until("the agent was told", () => told);
    await assert.rejects(engine.plane.observe(), { code: "DataPlaneUnreachable", retryable: true });
    await assert.rejects(DataPlaneClient.connect(engine.folder), { code: "DataPlaneUnreachable" });
  });

  it("shuts down after its streams have ended, and leaves nothing", async () => {
    await engine.plane.hello(1, reviveInto(join(engine.folder, "agent-pid")));
    const letClientsGo = await shutDownMidstream(engine);
    await until("the process ended", () => !isRunning(engine.pid));
    assert.ok(!existsSync(controlSocket(engine.folder)));
    assert.ok(!existsSync(join(engine.folder, "dataplane.json")));
    letClientsGo();
  });

  it("cuts what is left when the grace is over", async () => {
    const replica = await startListening((_req, res) => void res.write("first"));
    await engine.plane.apply(primaryOnly([replica]));
    const stream = new RawClient((await engine.plane.observe()).endpoint!.port);
    stream.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await until("the stream began", () => stream.received.includes("first"));
    await engine.plane.shutdown(0.2);
    await until("the process ended", () => !isRunning(engine.pid));
    assert.ok(!stream.received.endsWith("0\r\n\r\n"));
    stream.close();
  });

  it("holds nothing of its starter's environment that is not on the allow-list", async () => {
    process.env.PULUMI_CONFIG_PASSPHRASE = "must not pass";
    const folder = mkdtempSync(join(tmpdir(), "dataplane-"));
    try {
      const other = await startEngine("embedded", folder);
      assert.ok(!readFileSync(`/proc/${other.pid}/environ`, "utf8").includes("must not pass"));
      await other.stop();
    } finally {
      delete process.env.PULUMI_CONFIG_PASSPHRASE;
    }
  });
});
