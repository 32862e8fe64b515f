import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Agent } from "node:http";
import { ask, RawClient } from "../support/client";
import { startReplica } from "../support/replica";
import { primaryOnly } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

const OLD = "old-token-0123456789";
const NEW = "new-token-0123456789";

const hashOf = (token: string): string => `sha256:${createHash("sha256").update(token).digest("hex")}`;
const bearing = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });

export function letsInByToken(subject: Subject): void {
  describe("a service with tokens", () => {
    it("lets a request in that bears one, and keeps the token from the replica", async () => {
      const replica = await startReplica();
      const port = await subject.serve(primaryOnly([replica], { tokens: [hashOf(OLD), hashOf(NEW)] }));
      for (const token of [OLD, NEW]) assert.equal((await ask(port, { headers: bearing(token) })).status, 200);
      const names = replica.seen.flatMap(({ headers }) => headers).map((text) => text.toLowerCase());
      assert.ok(!names.includes("authorization"), names.join());
    });

    it("answers 401 to any other, whatever it asks for, and no replica hears of it", async () => {
      const replica = await startReplica();
      const port = await subject.serve(primaryOnly([replica], { tokens: [hashOf(OLD)], maxBodyBytes: 1000 }));
      const wrong: Record<string, string | string[]>[] = [
        {},
        bearing(NEW),
        bearing(`${OLD}x`),
        bearing(OLD.slice(1)),
        bearing(hashOf(OLD)),
        { authorization: "Bearer " },
        { authorization: OLD },
        { authorization: `Basic ${Buffer.from(`user:${OLD}`).toString("base64")}` },
        { authorization: `Bearer ${OLD} ${NEW}` },
        { "proxy-authorization": `Bearer ${OLD}` },
      ];
      for (const headers of wrong) {
        const answer = await ask(port, { headers });
        assert.equal(answer.status, 401, JSON.stringify(headers));
        assert.equal(answer.headers["www-authenticate"], "Bearer");
        assert.match(answer.body, /Authorization: Bearer/);
      }
      assert.equal((await ask(port, { path: `/?token=${OLD}` })).status, 401);
      assert.equal((await ask(port, { body: Buffer.alloc(5000) })).status, 401);
      assert.deepEqual(replica.seen, []);
    });

    it("takes new tokens and forgets old ones while connections stay open", async () => {
      const replica = await startReplica();
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const allows = async (port: number, token: string): Promise<boolean> =>
        (await ask(port, { agent, headers: bearing(token) })).status === 200;
      const port = await subject.serve(primaryOnly([replica], { tokens: [hashOf(OLD)] }));
      assert.deepEqual([await allows(port, OLD), await allows(port, NEW)], [true, false]);
      await subject.serve(primaryOnly([replica], { tokens: [hashOf(OLD), hashOf(NEW)] }));
      assert.deepEqual([await allows(port, OLD), await allows(port, NEW)], [true, true]);
      await subject.serve(primaryOnly([replica], { tokens: [hashOf(NEW)] }));
      assert.deepEqual([await allows(port, OLD), await allows(port, NEW)], [false, true]);
      agent.destroy();
    });

    it("begins to ask for them, and ceases to, while it serves", async () => {
      const replica = await startReplica();
      const port = await subject.serve(primaryOnly([replica]));
      assert.equal((await ask(port)).status, 200);
      await subject.serve(primaryOnly([replica], { tokens: [hashOf(OLD)] }));
      assert.equal((await ask(port)).status, 401);
      await subject.serve(primaryOnly([replica]));
      assert.equal((await ask(port)).status, 200);
    });

    it("asks a WebSocket for one too", async () => {
      const replica = await startReplica();
      const client = new RawClient(await subject.serve(primaryOnly([replica], { tokens: [hashOf(OLD)] })));
      client.send(
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      );
      await until("it was refused", () => client.received.startsWith("HTTP/1.1 401"));
      client.close();
      assert.deepEqual(replica.seen, []);
    });

    it("checks the health of its replicas without one", async () => {
      const [well, ill] = [await startReplica(), await startReplica()];
      const port = await subject.serve(primaryOnly([well, ill], { tokens: [hashOf(OLD)] }));
      await ill.stop();
      await until("the checks have told", async () => (await subject.report()).replicas[ill.id]!.healthy === false);
      assert.equal((await subject.report()).replicas[well.id]!.healthy, true);
      assert.equal((await ask(port, { headers: bearing(OLD) })).body, well.id);
    });
  });
}
