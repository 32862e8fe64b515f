import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { eventually } from "../e2e/harness/eventually";
import { freePort } from "../e2e/harness/free-port";
import { Load } from "./load";

describe("load", () => {
  const modelServer = join(__dirname, "../../examples/quickstart/app/server.js");
  let load: Load | undefined;
  let process_: ChildProcess | undefined;
  let server: Server | undefined;

  afterEach(() => {
    load?.kill();
    process_?.kill("SIGKILL");
    server?.closeAllConnections();
    server?.close();
    load = process_ = server = undefined;
  });

  async function startModelServer(replica: string): Promise<string> {
    const port = await freePort();
    process_ = spawn(process.execPath, [modelServer], {
      env: { PORT: String(port), PULUMI_SERVE_REPLICA: replica, STREAM_SECONDS: "0.3" },
      stdio: "inherit",
    });
    const url = `http://127.0.0.1:${port}`;
    await eventually("the model server answers", async () => (await fetch(`${url}/health`)).ok);
    return url;
  }

  async function startServer(listener: Parameters<typeof createServer>[1]): Promise<string> {
    server = createServer(listener);
    await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function until(clients: number, url: string, enough: number) {
    load = await Load.start({ url, clients });
    await eventually("enough requests", async () => (await load!.progress()).requests >= enough);
    return load.stop();
  }

  it("finds nothing wrong with a healthy model server, on one connection a client", async () => {
    const report = await until(6, await startModelServer("r1"), 100);
    assert.deepEqual(report.troubles, []);
    assert.deepEqual(report.reconnects, []);
    assert.deepEqual(Object.keys(report.byReplica), ["r1"]);
    assert.ok(report.records.some(({ kind }) => kind === "stream"));
  });

  it("counts a stream that breaks off as cut, and its next connection as a reconnect", async () => {
    const url = await startServer((request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": "text/event-stream", "x-replica": "r1" });
      response.write("data: one\n\n");
      setTimeout(() => response.destroy(), 5);
    });
    const report = await until(3, url, 10);
    assert.equal(report.streamsCut, report.requests);
    assert.equal(report.streamsCutByKill, 0);
    assert.equal(report.failed, 0);
    assert.ok(report.reconnects.length > 0);
  });

  it("counts a stream as cut that ends properly without its last line", async () => {
    const url = await startServer((request, response) => {
      request.resume();
      response.end(request.url === "/stream" ? "data: one\n\n" : '{"text":"Hello."}');
    });
    const report = await until(3, url, 30);
    assert.ok(report.streamsCut > 0);
    assert.deepEqual([...new Set(report.troubles.map(({ kind }) => kind))], ["stream"]);
  });

  it("counts a status other than 200 and a refused connection as failed", async () => {
    const refusing = await startServer((request, response) => {
      request.resume();
      response.writeHead(503).end("no");
    });
    const refused = await until(2, refusing, 10);
    assert.equal(refused.failed, refused.requests);
    assert.match(JSON.stringify(refused.troubles[0]!.outcome), /503/);

    const nobody = await until(2, `http://127.0.0.1:${await freePort()}`, 4);
    assert.equal(nobody.failed, nobody.requests);
  });

  it("sets the responses apart that had begun on a replica that was killed", async () => {
    const url = await startModelServer("r1");
    load = await Load.start({ url, clients: 6 });
    await eventually("streams are running", async () => (await load!.progress()).requests >= 50);
    load.replicaKilled("r1");
    process_!.kill("SIGKILL");
    await eventually("the kill was noticed", async () => (await load!.progress()).troubles >= 6);
    const report = await load.stop();
    assert.ok(
      report.streamsCutByKill >= 1 && report.streamsCutByKill <= 6,
      `${report.streamsCutByKill} cut by the kill`,
    );
    assert.equal(report.streamsCut, 0);
    assert.ok(report.failed > 0, "requests without an answer are failures, kill or no kill");
  });
});
