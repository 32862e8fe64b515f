import assert from "node:assert/strict";
import { constants } from "node:http2";
import { ask } from "../support/client";
import { END_HEADERS, END_STREAM, fieldBlock, FRAME, frameOf, getFields, type FrameClient } from "../support/http2";
import { http2Service } from "../support/http2-service";
import { startListening, startReplica } from "../support/replica";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

/** As many as one connection may have at once, on either engine. */
const STREAMS = 100;

export function withstandsHttp2(subject: Subject): void {
  describe("over HTTP/2, what HTTP/1.1 would read in another way than it was meant", () => {
    const service = http2Service(subject);
    const smuggled = "GET /admin HTTP/1.1\r\nhost: x\r\n\r\n";
    const post = (more: [string, string][] = []): [string, string][] => [
      [":method", "POST"],
      ...getFields(more).slice(1),
    ];
    const instead = (fields: [string, string][], name: string, value: string | null): [string, string][] =>
      fields.flatMap(([each, old]) => (each !== name ? [[each, old]] : value === null ? [] : [[name, value]]));
    const attempts: Record<string, { fields: [string, string][]; body?: string }> = {
      "transfer-encoding": { fields: post([["transfer-encoding", "chunked"]]), body: `0\r\n\r\n${smuggled}` },
      connection: {
        fields: getFields([
          ["connection", "x-a"],
          ["x-a", "1"],
        ]),
      },
      "keep-alive": { fields: getFields([["keep-alive", "timeout=5"]]) },
      "proxy-connection": { fields: getFields([["proxy-connection", "keep-alive"]]) },
      upgrade: { fields: getFields([["upgrade", "websocket"]]) },
      "another te than trailers": { fields: getFields([["te", "gzip"]]) },
      "a body that is longer than its content-length": { fields: post([["content-length", "0"]]), body: smuggled },
      "a body that is shorter than its content-length": { fields: post([["content-length", "99"]]), body: "x" },
      "two content-lengths": {
        fields: post([
          ["content-length", "4"],
          ["content-length", "0"],
        ]),
        body: "body",
      },
      "a signed content-length": { fields: post([["content-length", "+4"]]), body: "body" },
      "a path with a space": { fields: instead(getFields(), ":path", "/ HTTP/1.1 /admin") },
      "a path with a line break": { fields: instead(getFields(), ":path", `/ HTTP/1.1\r\nhost: x\r\n\r\n${smuggled}`) },
      "an empty path": { fields: instead(getFields(), ":path", "") },
      "a path that is none": { fields: instead(getFields(), ":path", "admin") },
      "no path": { fields: instead(getFields(), ":path", null) },
      "no method": { fields: instead(getFields(), ":method", null) },
      "a method with a space": { fields: instead(getFields(), ":method", "GET /admin HTTP/1.1") },
      "no scheme": { fields: instead(getFields(), ":scheme", null) },
      "an authority with a line break": { fields: instead(getFields(), ":authority", "x\r\nx-a: 1") },
      "two paths": { fields: getFields([[":path", "/admin"]]) },
      "a pseudo-header behind a header": {
        fields: [...instead(getFields(), ":path", null), ["x-a", "1"], [":path", "/"]],
      },
      "an unknown pseudo-header": { fields: [[":admin", "1"], ...getFields()] },
      "a status": { fields: [[":status", "200"], ...getFields()] },
      "a tunnel": {
        fields: [
          [":method", "CONNECT"],
          [":authority", "x:1"],
        ],
      },
    };
    for (const [name, { fields, body }] of Object.entries(attempts)) {
      it(`brings no request to a replica: ${name}`, async () => {
        const replica = await startReplica((_req, res) => res.end("reached"));
        const client = await service.frames(await service.serving([replica]));
        client.send(FRAME.headers, END_HEADERS | (body === undefined ? END_STREAM : 0), 1, fieldBlock(fields));
        if (body !== undefined) client.send(FRAME.data, END_STREAM, 1, Buffer.from(body));
        await client.outcome(1);
        await subject.settled();
        assert.deepEqual(
          replica.seen.map(({ method, url }) => `${method} ${url}`),
          [],
        );
      });
    }

    it("has one host for everybody: its authority", async () => {
      const replica = await startReplica();
      const client = await service.frames(await service.serving([replica]));
      client.send(FRAME.headers, END_HEADERS | END_STREAM, 1, fieldBlock(getFields([["host", "y"]])));
      await client.outcome(1);
      await subject.settled();
      for (const { headers } of replica.seen) {
        const hosts = headers.filter((_, at) => at % 2 === 1 && headers[at - 1]!.toLowerCase() === "host");
        assert.deepEqual(hosts, ["x"]);
      }
    });

    for (const [name, field] of Object.entries({
      "a name with upper case": ["X-Evil", "1"],
      "a name with a space": ["x-evil ", "1"],
      "a name with a colon": ["x-evil:x", "1"],
      "a name with a line break": ["x-a: 1\r\nx-evil", "1"],
      "a value with a line break": ["x-a", "1\r\nx-evil: 1"],
      "a value with a bare CR": ["x-a", "1\rx-evil: 1"],
      "a value with a bare LF": ["x-a", "1\nx-evil: 1"],
      "a value with NUL": ["x-a", "1\0x-evil: 1"],
    } satisfies Record<string, [string, string]>)) {
      it(`brings no such field to a replica: ${name}`, async () => {
        const replica = await startReplica();
        const client = await service.frames(await service.serving([replica]));
        client.send(FRAME.headers, END_HEADERS | END_STREAM, 1, fieldBlock(getFields([field])));
        await client.outcome(1);
        await subject.settled();
        assert.doesNotMatch(replica.seen.map(({ headers }) => headers.join("\n")).join(), /x-evil/i);
      });
    }
  });

  describe("over HTTP/2, a client that asks for nothing but work", () => {
    const service = http2Service(subject);
    const request = fieldBlock([
      [":method", "GET"],
      [":scheme", "https"],
      [":authority", "x"],
      [":path", "/"],
    ]);

    it("may take back as many requests as it wants to: no replica has more of them than one connection may have", async () => {
      let [now, most] = [0, 0];
      const replica = await startListening((_req, res) => {
        now += 1;
        most = Math.max(most, now);
        res.on("close", () => (now -= 1));
      });
      const port = await service.serving([replica]);
      const client = await service.frames(port);
      const cancel = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);
      for (let stream = 1; stream < 2 * TAKEN_BACK; stream += 2) {
        client.send(FRAME.headers, END_HEADERS | END_STREAM, stream, request);
        client.send(FRAME.reset, 0, stream, cancel);
      }
      client.send(FRAME.ping, 0, 0, Buffer.alloc(8));
      await until(
        "it is through",
        () => client.closed || client.frames.some(({ type }) => type === FRAME.ping || type === FRAME.goaway),
      );
      await subject.settled();
      assert.ok(most <= STREAMS, `${most} at once`);
    });

    it("and takes requests back without end is cut off", async () => {
      const replica = await startListening(() => undefined);
      const client = await service.frames(await service.serving([replica]));
      const cancel = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);
      for (let stream = 1; stream < 2 * TAKEN_BACK; stream += 2) {
        client.send(FRAME.headers, END_HEADERS | END_STREAM, stream, request);
        client.send(FRAME.reset, 0, stream, cancel);
      }
      await until("it was cut off", () => client.closed || client.frames.some(({ type }) => type === FRAME.goaway));
    });

    it("and never ends its header is cut off", async () => {
      const replica = await startReplica();
      const client = await service.frames(await service.serving([replica]));
      client.send(FRAME.headers, END_STREAM, 1, request);
      for (let count = 0; count < 2000 && !client.closed; count += 1)
        client.socket.write(frameOf(FRAME.continuation, 0, 1, fieldBlock([[`x-${count}`, "x".repeat(1000)]])));
      await until("it was cut off", () => client.closed);
      assert.deepEqual(replica.seen, []);
    });

    for (const [name, type, payload] of [
      ["pings", FRAME.ping, Buffer.alloc(8)],
      ["settings", FRAME.settings, Buffer.from([0, 3, 0, 0, 0, 100])],
    ] as const) {
      it(`and reads none of the answers to its ${name} takes no memory for them`, async () => {
        const replica = await startReplica();
        const port = await service.serving([replica]);
        const client = await service.frames(port);
        client.socket.pause();
        // What the sockets' buffers hold is gone soon; then it is cut off, or nothing more is read of it.
        const many = Buffer.concat(Array.from({ length: 50_000 }, () => frameOf(type, 0, 0, payload)));
        let taken = 0;
        while (taken < MOST_FLOODS && (await takes(client, many))) taken += 1;
        assert.ok(taken < MOST_FLOODS, `${taken} times 50,000 were taken`);
        assert.equal((await ask(port, { tls: service.trust })).body, replica.id);
      });
    }
  });
}

/** More than the thousand that a client may take back before it is judged by its pace. */
const TAKEN_BACK = 1300;
/** Times 50,000 frames: more than any sockets hold. */
const MOST_FLOODS = 40;
const STALLED_MS = 500;

/** Whether all of it has left this process before anything stalls. */
function takes({ socket }: FrameClient, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), STALLED_MS);
    socket.write(bytes, (error) => {
      clearTimeout(timer);
      resolve(!error);
    });
  });
}
