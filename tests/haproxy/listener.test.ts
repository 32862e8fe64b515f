import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findHaproxy } from "../../provider/dataplane/haproxy/binary";
import { addressOfHandle, copyOfListener, listenerOfHaproxy, type TcpHandle } from "../../provider/dataplane/listener";
import { until } from "../dataplane/support/until";

/** What Node does not document, piece by piece: if another Node does otherwise, the first of these to fail says which. */
describe("a listener on its way from one program to another", function () {
  this.timeout(60_000);
  const servers: Server[] = [];
  const clients: Socket[] = [];
  let folder: string;
  let haproxy: ChildProcess | null = null;

  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "listener-"))));
  afterEach(() => {
    haproxy?.kill("SIGKILL");
    for (const client of clients.splice(0)) client.destroy();
    for (const server of servers.splice(0)) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function listening(on: TcpHandle | { port: number; host: string }): Promise<Server> {
    const server = createServer((socket) => void socket.on("error", () => undefined).end("served"));
    servers.push(server);
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(on, resolve));
    return server;
  }

  function client(port: number): { said: string } {
    const heard = { said: "" };
    const socket = connect(port, "127.0.0.1");
    socket.on("data", (chunk) => (heard.said += chunk.toString()));
    socket.on("error", (error) => (heard.said += error.message));
    clients.push(socket);
    return heard;
  }

  it("is a second one of the same socket, and keeps its queue of clients while nobody serves", async () => {
    const first = await listening({ port: 0, host: "127.0.0.1" });
    const copy = await copyOfListener(first);
    const { port } = addressOfHandle(copy);
    assert.deepEqual(first.address(), { address: "127.0.0.1", family: "IPv4", port });
    servers.splice(0);
    await new Promise((resolve) => first.close(resolve));
    const waiting = client(port);
    await until("it is in the queue", () => clients[0]!.readyState === "open");
    assert.equal(waiting.said, "");
    await listening(copy);
    await until("it was served", () => waiting.said === "served");
  });

  it("is passed on by HAProxy, with nobody refused when HAProxy has gone", async function () {
    const found = findHaproxy();
    if (found.kind === "unusable") return this.skip();
    const [runtime, config] = [join(folder, "runtime"), join(folder, "config")];
    const sample = await listening({ port: 0, host: "127.0.0.1" });
    const { port } = sample.address() as { port: number };
    await new Promise((resolve) => servers.pop()!.close(resolve));
    writeFileSync(
      config,
      `global\n stats socket ${runtime} mode 600 level admin expose-fd listeners\n` +
        `defaults\n mode http\n timeout client 30s\n timeout connect 1s\n timeout server 30s\n` +
        `frontend public\n bind 127.0.0.1:${port}\n http-request return status 200 string by-haproxy content-type text/plain\n`,
    );
    haproxy = spawn(found.path, ["-db", "-f", config], { stdio: "ignore" });
    const answered = new Promise<void>((resolve) => haproxy!.once("exit", () => resolve()));
    await until("HAProxy listens", async () => {
      const heard = client(port);
      clients.at(-1)!.write("GET / HTTP/1.0\r\n\r\n");
      await until("it was answered or refused", () => heard.said !== "");
      return heard.said.includes("by-haproxy");
    });
    const handle = await listenerOfHaproxy(runtime, port);
    assert.deepEqual(addressOfHandle(handle), { host: "127.0.0.1", port });
    haproxy.kill("SIGKILL");
    await answered;
    const waiting = client(port);
    await listening(handle);
    await until("it was served", () => waiting.said === "served");
  });
});
