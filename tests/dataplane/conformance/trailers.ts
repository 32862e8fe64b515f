import assert from "node:assert/strict";
import { RawClient } from "../support/client";
import { startRawReplica, startReplica } from "../support/replica";
import { primaryOnly } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

const GET = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n";
const UPLOAD = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n";
const HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";

export function passesTrailers(subject: Subject): void {
  describe("trailers", () => {
    it("of a response reach the client, and the connection is of use behind them", async () => {
      const replica = await startRawReplica((socket) => socket.write(`${CHUNKED}X-Sum: 7\r\nx-more: a b\r\n\r\n`));
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      for (let round = 1; round <= 2; round += 1) {
        client.send(GET);
        await until("it was answered", () => client.received.split("\r\nok\r\n0\r\n").length === round + 1);
        await until("the trailers came", () => /x-sum: 7\r\nx-more: a b\r\n\r\n$/i.test(client.received));
      }
      client.close();
    });

    it("of a request reach the replica, and another one when that fails", async () => {
      const dying = await startRawReplica((socket, text) => void (text.endsWith("\r\n\r\n") && socket.destroy()));
      const replica = await startReplica((req, res) => res.end(req.rawTrailers.join(" ").toLowerCase()));
      const port = await subject.serve(primaryOnly([dying, replica], { policy: "roundRobin" }));
      for (let round = 0; round < 2; round += 1) {
        const client = new RawClient(port);
        client.send(`${UPLOAD}X-Sum: 7\r\n\r\n`);
        await until("it was answered", () => client.received.endsWith("x-sum 7"));
        client.close();
      }
    });
  });

  describe("early hints", () => {
    it("reach the client before the response is there, and change nothing of it", async () => {
      let respond = (): void => undefined;
      const replica = await startRawReplica((socket) => {
        socket.write(HINTS);
        respond = () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      });
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send(GET);
      await until("the hints came", () => /^HTTP\/1.1 103 .*\r\nlink: <\/style.css>\r\n\r\n$/i.test(client.received));
      respond();
      await until("the response came", () => /\r\n\r\nHTTP\/1.1 200 [^]*\r\n\r\nok$/.test(client.received));
      client.close();
    });

    it("are nothing for a client of HTTP/1.0", async () => {
      const replica = await startRawReplica((socket) =>
        socket.write(`${HINTS}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`),
      );
      const client = new RawClient(await subject.serve(primaryOnly([replica])));
      client.send("GET / HTTP/1.0\r\nhost: x\r\n\r\n");
      await until("it was answered", () => client.received.endsWith("ok"));
      assert.match(client.received, /^HTTP\/1.1 200 /);
      client.close();
    });
  });
}
