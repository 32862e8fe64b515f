import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from "node:net";
import { httpConfigurer } from "../../provider/configurer";
import type { ConfigRequest } from "../../provider/ports/configurer";

describe("the http configurer", () => {
  let servers: (Server | TcpServer)[];

  beforeEach(() => (servers = []));
  afterEach(async () => {
    await Promise.all(
      servers.map((server) => {
        if ("closeAllConnections" in server) server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      }),
    );
  });

  const listen = async (server: Server | TcpServer): Promise<number> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  };
  const serve = (answer: RequestListener) => listen(createServer(answer));
  const send = (port: number, more: Partial<ConfigRequest> = {}) =>
    httpConfigurer.send({
      replicaId: "p-1",
      address: { host: "127.0.0.1", port },
      method: "POST",
      path: "/reconfigure",
      timeoutSeconds: 5,
      hash: "h",
      config: { temperature: 0.2, key: "s3cret-value" },
      ...more,
    });
  /** What is shown of a refusal with this body. */
  const refused = async (body: string, config?: unknown) => {
    const port = await serve((_, response) => response.writeHead(422).end(body));
    const { outcome, hash, reason } = await send(port, config === undefined ? {} : { config });
    assert.deepEqual([outcome, hash], ["refused", "h"]);
    return reason;
  };

  for (const method of ["POST", "PUT"] as const) {
    it(`sends the config as JSON by ${method}, and takes a 2xx for an acknowledgement`, async () => {
      let asked = {};
      const port = await serve((request, response) => {
        let body = "";
        request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
        request.on("end", () => {
          const { method: verb, url, headers } = request;
          asked = { verb, url, type: headers["content-type"], body };
          response.writeHead(204).end();
        });
      });
      assert.deepEqual(await send(port, { method, path: "/v1/config", config: { model: "große" } }), {
        hash: "h",
        outcome: "acknowledged",
        reason: null,
      });
      assert.deepEqual(asked, { verb: method, url: "/v1/config", type: "application/json", body: '{"model":"große"}' });
    });
  }

  it("sends every JSON value as it is", async () => {
    for (const config of [0, false, "", [], "text"]) {
      let body = "";
      const port = await serve((request, response) => {
        request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
        request.on("end", () => response.end());
      });
      await send(port, { config });
      assert.equal(body, JSON.stringify(config));
    }
  });

  it("takes a 4xx for a refusal, with its first words on one line", async () => {
    assert.equal(await refused("temperature must be\n  a number\n"), "422: temperature must be a number");
    assert.equal(await refused(""), "422");
    const long = (await refused("x".repeat(10_000)))!;
    assert.equal(long, `422: ${"x".repeat(200)}...`);
  });

  it("never shows a value of the config, whole or in pieces, as servers like to quote them", async () => {
    assert.equal(await refused("s3cret-value is no key"), "422: ... is no key");
    assert.equal(await refused('{"input":"s3cret-va[cut]"}'), '422: {"input":"...[cut]"}');
    const quoted = await refused(JSON.stringify({ got: 'line\n"pässword"' }), { nested: ['line\n"pässword"'] });
    assert.equal(quoted, '422: {"got":"..."}');
    assert.equal(await refused('{"got": "p\\u00e4ssw\\u00f6rd"}', "pässwörd"), '422: {"got": "..."}');
    assert.equal(
      await refused("12345678 is too much, 1 is not", { limit: 12345678, low: 1 }),
      "422: ... is too much, 1 is not",
    );
  });

  it("takes neither a redirect, nor a 5xx, nor `not now` for an answer", async () => {
    for (const status of [301, 408, 425, 429, 500, 503]) {
      const port = await serve((_, response) => response.writeHead(status, { location: "/" }).end("s3cret-value"));
      await assert.rejects(send(port), new RegExp(`^Error: status ${status}$`));
    }
  });

  it("throws when nobody answers, so that it is asked again", async () => {
    const port = await listen(createTcpServer((socket) => socket.on("error", () => undefined).resume()));
    await assert.rejects(send(port, { timeoutSeconds: 0.1 }), /no answer within 0.1 s/);
    const closing = await listen(
      createTcpServer((socket) =>
        socket
          .on("error", () => undefined)
          .resume()
          .end(),
      ),
    );
    await assert.rejects(send(closing), /socket hang up|ECONNRESET|connection closed/);
    const [gone] = servers.splice(0, 1);
    await new Promise((resolve) => {
      gone!.close(resolve);
    });
    await assert.rejects(send(port), /ECONNREFUSED/);
  });

  it("takes the status for the answer when the body has no end", async () => {
    const endless = (status: number) =>
      serve((_, response) => {
        response.writeHead(status);
        response.write("no ");
      });
    assert.equal((await send(await endless(200))).outcome, "acknowledged");
    assert.equal((await send(await endless(409), { timeoutSeconds: 0.2 })).reason, "409: no");
  });
});
