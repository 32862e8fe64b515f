import assert from "node:assert/strict";
import { ask, RawClient } from "../support/client";
import { startListening, startReplica } from "../support/replica";
import { primaryOnly } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

/** What a client feels as soon. Its deadlines hold where nothing else runs: these behaviours are tested with the other moments. */
export function isPrompt(subject: Subject): void {
  it("sends the head on before the first piece of the body", async () => {
    let finish = (): void => undefined;
    const slow = await startListening((_req, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.flushHeaders();
      finish = () => res.end("data: 1\n\n");
    });
    const client = new RawClient(await subject.serve(primaryOnly([slow])));
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await until("the head came alone", () => client.received.endsWith("\r\n\r\n"), 1000);
    finish();
    await until("the rest came", () => client.received.endsWith("0\r\n\r\n"));
    client.close();
  });

  it("sends each event on as it comes", async () => {
    let say = (_text: string): void => undefined;
    const replica = await startListening((_req, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" });
      say = (text) => (text === "" ? res.end() : res.write(text));
      res.flushHeaders();
    });
    const client = new RawClient(await subject.serve(primaryOnly([replica])));
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await until("the stream began", () => client.received.includes("\r\n\r\n"));
    for (const event of ["data: one\n\n", "data: two\n\n", "data: three\n\n"]) {
      say(event);
      await until(`${event.trim()} came`, () => client.received.includes(event), 1000);
    }
    say("");
    await until("it ended", () => client.received.endsWith("0\r\n\r\n"));
    client.close();
  });

  it("uses a replica that comes back again within a moment", async () => {
    const first = await startReplica();
    const second = await startReplica();
    const port = await subject.serve(primaryOnly([first, second]));
    await first.stop();
    await Promise.all(Array.from({ length: 4 }, () => ask(port)));
    assert.equal((await subject.report()).replicas[first.id]!.healthy, false);
    await startReplica((_req, res) => res.end("again"), first.port);
    await until("it is healthy again", async () => (await subject.report()).replicas[first.id]!.healthy, 1500);
    const answers = await Promise.all(Array.from({ length: 4 }, () => ask(port)));
    assert.ok(answers.some(({ body }) => body === "again"));
  });
}
