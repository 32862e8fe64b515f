import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { BalancerSpec } from "../../../provider/core/spec/pool";
import type { AccessEntry } from "../../../provider/dataplane/access-entry";
import { accessLogFile } from "../../../provider/host/paths";
import { ask, RawClient } from "../support/client";
import { http2Service } from "../support/http2-service";
import { askHttp2 } from "../support/http2";
import { startListening, startRawReplica, startReplica } from "../support/replica";
import { balancer, CANARY, PRIMARY, primaryOnly, route, routing, version } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

const SECRET = "sk-0123456789abcdef";
const LOGGED: Partial<BalancerSpec> = { accessLog: true };

export function logsAccess(subject: Subject): void {
  const text = (): string => {
    try {
      return readFileSync(accessLogFile(subject.folder), "utf8");
    } catch {
      return "";
    }
  };
  /** The line of the request for this path: each test asks for paths of its own. */
  const lineOf = async (path: string | null, end?: AccessEntry["end"]): Promise<AccessEntry> => {
    let found: AccessEntry | undefined;
    await until(`the line of ${path} was written`, () => {
      const entries = text()
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as AccessEntry);
      found = entries.findLast((entry) => entry.path === path && (end === undefined || entry.end === end));
      return found !== undefined;
    });
    return found!;
  };

  describe("the access log", () => {
    it("has a line for each request, in a file that only this user may read", async () => {
      const replica = await startReplica((_req, res) => res.end("x".repeat(5000)));
      const port = await subject.serve(primaryOnly([replica], LOGGED));
      const before = Date.now();
      await ask(port, { path: "/whole?x=1", body: "a question" });
      const { time, bytes, queueMs, firstByteMs, totalMs, ...line } = await lineOf("/whole");
      assert.deepEqual(line, {
        client: "127.0.0.1",
        method: "POST",
        path: "/whole",
        protocol: "HTTP/1.1",
        status: 200,
        pool: "pool",
        revision: PRIMARY,
        role: "primary",
        replica: replica.id,
        tries: 1,
        end: "whole",
      });
      // HAProxy tells times in whole milliseconds.
      assert.ok(Date.parse(time) >= before - 5 && Date.parse(time) <= Date.now() + 5, time);
      assert.ok(bytes >= 5000 && bytes < 6000, String(bytes));
      assert.ok(queueMs >= 0 && firstByteMs! <= totalMs, JSON.stringify({ queueMs, firstByteMs, totalMs }));
      assert.equal(statSync(accessLogFile(subject.folder)).mode & 0o777, 0o600);
    });

    it("holds nothing that could be a secret, whatever becomes of the request", async () => {
      const replica = await startReplica((_req, res) => {
        res.setHeader("set-cookie", SECRET);
        res.setHeader("x-pulumi-serve-room", SECRET);
        res.end(SECRET);
      });
      const tokens = [`sha256:${createHash("sha256").update(SECRET).digest("hex")}`];
      const port = await subject.serve(
        routing([route({ prefix: "/v1", primary: version(1, [replica]) })], {
          balancer: balancer({ ...LOGGED, tokens, maxBodyBytes: 1000 }),
        }),
      );
      const bearing = { authorization: `Bearer ${SECRET}` };
      const fields = { cookie: SECRET, "x-api-key": SECRET, "x-request-id": SECRET, "user-agent": SECRET };
      const url = (path: string): string => `/v1/${path}?key=${SECRET}`;
      await ask(port, { path: url("secret"), headers: { ...fields, ...bearing }, body: SECRET });
      await ask(port, { path: url("token"), headers: { ...fields, authorization: `Bearer x${SECRET}` } });
      await ask(port, { path: url("pin"), headers: { ...bearing, "x-pulumi-serve-version": SECRET } });
      await ask(port, { path: url("large"), headers: bearing, body: SECRET.repeat(100) });
      await ask(port, { path: `/nowhere?key=${SECRET}`, headers: bearing });
      const malformed = new RawClient(port);
      malformed.send(`GET /v1/${SECRET} HTTP/1.1\r\nhost: x\r\n${SECRET}\r\n\r\n`);
      await until("it was refused", () => malformed.closed);
      const refused = async (path: string | null): Promise<[number | null, string | undefined]> => {
        const { status, why } = await lineOf(path, "refused");
        return [status, why];
      };
      assert.equal((await lineOf("/v1/secret")).end, "whole");
      assert.deepEqual(await refused("/v1/token"), [401, "token"]);
      assert.deepEqual(await refused("/v1/pin"), [503, "noReplica"]);
      assert.deepEqual(await refused("/v1/large"), [413, "bodyTooLarge"]);
      assert.deepEqual(await refused("/nowhere"), [404, "noRoute"]);
      assert.deepEqual(await refused(null), [400, "malformed"]);
      assert.ok(!text().includes(SECRET.slice(3)));
    });

    it("tells which responses broke off, and which clients went away", async () => {
      const breaking = await startRawReplica((socket) =>
        socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"),
      );
      let port = await subject.serve(primaryOnly([breaking], LOGGED));
      await assert.rejects(ask(port, { path: "/cut" }));
      const cut = await lineOf("/cut");
      assert.deepEqual([cut.end, cut.status, cut.replica], ["cut", 200, breaking.id]);
      const slow = await startListening((_req, res) => res.write("first"));
      port = await subject.serve(primaryOnly([slow], LOGGED));
      const client = new RawClient(port);
      client.send("GET /aborted HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("the response began", () => client.received.includes("first"));
      client.close();
      const aborted = await lineOf("/aborted");
      assert.deepEqual([aborted.end, aborted.status, aborted.replica], ["aborted", 200, slow.id]);
    });

    it("tells the canary's requests, and how many replicas were asked", async () => {
      const dropping = await startRawReplica((socket) => socket.destroy());
      const [other, canary] = [await startReplica(), await startReplica()];
      const port = await subject.serve(
        routing([route({ primary: version(1, [dropping, other]), canary: version(0, [canary], CANARY) })], {
          balancer: balancer({ ...LOGGED, policy: "roundRobin" }),
        }),
      );
      await ask(port, { path: "/canary", headers: { "x-pulumi-serve-version": "canary" } });
      const { revision, role, replica } = await lineOf("/canary");
      assert.deepEqual([revision, role, replica], [CANARY, "canary", canary.id]);
      const paths = ["/tries/1", "/tries/2"];
      for (const path of paths) assert.equal((await ask(port, { path })).body, other.id);
      const lines = await Promise.all(paths.map((path) => lineOf(path)));
      assert.deepEqual([...new Set(lines.map((line) => line.replica))], [other.id]);
      assert.ok(Math.max(...lines.map(({ tries }) => tries)) >= 2, JSON.stringify(lines));
    });

    it("tells who answered a request that had to wait until there was a replica", async () => {
      const replica = await startReplica();
      const port = await subject.serve(primaryOnly([], LOGGED));
      const answer = ask(port, { path: "/waited" });
      await until("it waits", async () => (await subject.report()).routes["/"]!.queued === 1);
      await subject.serve(primaryOnly([replica], LOGGED));
      assert.equal((await answer).headers["x-pulumi-serve-room"], undefined);
      const line = await lineOf("/waited");
      assert.deepEqual(
        [line.replica, line.revision, line.role, line.tries, line.end],
        [replica.id, PRIMARY, "primary", 1, "whole"],
      );
      assert.ok(line.queueMs > 0 && line.queueMs <= line.totalMs, JSON.stringify(line));
    });

    it("begins and ends while clients stay connected", async () => {
      const replica = await startReplica();
      let port = await subject.serve(primaryOnly([replica], LOGGED));
      await ask(port, { path: "/on" });
      await lineOf("/on");
      port = await subject.serve(primaryOnly([replica]));
      await ask(port, { path: "/off" });
      port = await subject.serve(primaryOnly([replica], LOGGED));
      await ask(port, { path: "/on-again" });
      await lineOf("/on-again");
      assert.ok(!text().includes("/off"));
    });
  });

  describe("the access log over HTTP/2", () => {
    const service = http2Service(subject);

    it("has a line for each stream", async () => {
      const replica = await startReplica();
      const session = service.open(await service.serving([replica], LOGGED));
      const paths = ["/stream/1", "/stream/2"];
      await Promise.all(paths.map((path) => askHttp2(session, { path })));
      for (const path of paths) {
        const { protocol, status, end } = await lineOf(path);
        assert.deepEqual([protocol, status, end], ["HTTP/2", 200, "whole"]);
      }
    });
  });
}
