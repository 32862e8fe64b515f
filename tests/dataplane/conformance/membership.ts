import assert from "node:assert/strict";
import { ask, RawClient } from "../support/client";
import { Load } from "../support/load";
import { startListening, startReplica } from "../support/replica";
import { startReplicaProcess } from "../support/replica-process";
import { balancer, CANARY, primaryOnly, route, routing, version } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

export function changesMembership(subject: Subject): void {
  describe("membership", () => {
    it("gives a draining replica no new request, lets its streams end, and counts them down to 0", async () => {
      let finish = (): void => undefined;
      const leaving = await startListening((_req, res) => {
        res.write("first");
        finish = () => res.end("last");
      });
      const staying = await startReplica();
      const port = await subject.serve(primaryOnly([leaving]));
      const stream = new RawClient(port);
      stream.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("the stream began", () => stream.received.includes("first"));

      await subject.serve(routing([route({ primary: version(1, [staying]), draining: [leaving] })]));
      for (let sent = 0; sent < 10; sent += 1) assert.equal((await ask(port)).body, staying.id);
      assert.equal((await subject.report()).replicas[leaving.id]!.inFlight, 1);
      finish();
      await until("the stream ended whole", () => stream.received.endsWith("0\r\n\r\n"));
      await until("it counts 0", async () => (await subject.report()).replicas[leaving.id]?.inFlight === 0);
      stream.close();
    });

    it("lets the streams of a replica that vanished from the routing run on", async () => {
      let finish = (): void => undefined;
      const leaving = await startListening((_req, res) => {
        res.write("first");
        finish = () => res.end("last");
      });
      const staying = await startReplica();
      const port = await subject.serve(primaryOnly([leaving]));
      const stream = new RawClient(port);
      stream.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("the stream began", () => stream.received.includes("first"));
      await subject.serve(primaryOnly([staying]));
      assert.equal((await subject.report()).replicas[leaving.id]!.inFlight, 1);
      finish();
      await until("the stream ended whole", () => stream.received.endsWith("0\r\n\r\n"));
      await until("it is forgotten", async () => (await subject.report()).replicas[leaving.id] === undefined);
      stream.close();
    });

    it("knows nothing any more of a replica that restarted in place as another revision", async () => {
      const replica = await startReplica();
      const port = await subject.serve(primaryOnly([replica]));
      await ask(port);
      assert.equal((await subject.report()).metrics[replica.id]!.attempts, 1);
      await subject.serve(routing([route({ canary: version(1, [replica], CANARY) })]));
      assert.equal((await subject.report()).metrics[replica.id]!.attempts, 0);
      assert.equal((await ask(port)).body, replica.id);
    });

    it("keeps a client's connection across applies", async () => {
      const [one, two] = [await startReplica(), await startReplica()];
      const port = await subject.serve(primaryOnly([one]));
      const client = new RawClient(port);
      const request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
      client.send(request);
      await until("the first answer", () => client.received.includes(one.id));
      await subject.serve(primaryOnly([two], { maxInFlightPerReplica: 3 }));
      client.send(request);
      await until("the second answer on the same connection", () => client.received.includes(two.id));
      client.close();
    });

    it("fails nobody over 10 cycles of add, drain and remove under load (ray#65698, ray#65267)", async () => {
      let current = await startReplicaProcess("cycle-0");
      const port = await subject.serve(primaryOnly([current]));
      const load = new Load(port, 8, () => ({ body: Buffer.alloc(2048) }));
      for (let cycle = 1; cycle <= 10; cycle += 1) {
        const leaving = current;
        current = await startReplicaProcess(`cycle-${cycle}`);
        await subject.serve(primaryOnly([leaving, current]));
        await subject.serve(routing([route({ primary: version(1, [current]), draining: [leaving] })]));
        await until("it is drained", async () => (await subject.report()).replicas[leaving.id]!.inFlight === 0);
        await subject.serve(primaryOnly([current]));
        await leaving.kill();
      }
      await load.stop();
      assert.deepEqual(load.failures, []);
      assert.ok(load.requests > 100, `${load.requests} requests are enough to mean something`);
    });

    it("waits through a second in which there is no replica at all", async () => {
      const port = await subject.serve(primaryOnly([]));
      const waiting = [ask(port), ask(port, { body: "x".repeat(50_000) })];
      await until("both wait", async () => (await subject.report()).routes["/"]!.queued === 2);
      const replica = await startReplica();
      await subject.serve(primaryOnly([replica]));
      for (const answer of await Promise.all(waiting)) assert.equal(answer.body, replica.id);
    });
  });

  describe("fencing", () => {
    it("refuses an older generation and leaves what is in force", async () => {
      const replica = await startReplica();
      const desired = primaryOnly([replica]);
      const port = await subject.serve(desired);
      await assert.rejects(subject.plane.apply({ ...desired, generation: desired.generation - 1, routes: [] }), {
        code: "StaleEpoch",
      });
      assert.equal((await ask(port)).status, 200);
    });

    it("is idempotent: the same generation again changes nothing", async () => {
      const replica = await startReplica();
      const desired = primaryOnly([replica]);
      const port = await subject.serve(desired);
      await ask(port);
      await subject.plane.apply(desired);
      await until("it is counted", async () => (await subject.report()).metrics[replica.id]!.completed === 1);
    });

    it("takes another balancer policy live", async () => {
      const replica = await startReplica((_req, res, body) => res.end(String(body.length)));
      const port = await subject.serve(primaryOnly([replica], { maxBodyBytes: 10 }));
      assert.equal((await ask(port, { body: "x".repeat(11) })).status, 413);
      await subject.serve(primaryOnly([replica], balancer()));
      assert.equal((await ask(port, { body: "x".repeat(11) })).body, "11");
    });
  });
}
