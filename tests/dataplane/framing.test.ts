import assert from "node:assert/strict";
import fc from "fast-check";
import { FramingError, ResponseParser } from "../../provider/dataplane/embedded/framing";
import type { Trailers } from "../../provider/dataplane/embedded/trailers";

interface Parsed {
  status: number;
  fields: string;
  body: string;
  ended: number;
  trailers?: Trailers;
}

function parse(
  method: string,
  reads: Buffer[],
  closes: boolean,
  maySwitch = false,
): { parsed: Parsed; parser: ResponseParser } {
  const parser = new ResponseParser();
  const parsed: Parsed = { status: 0, fields: "", body: "", ended: 0 };
  parser.begin(
    method,
    {
      onHints: () => undefined,
      onHead: ({ status, fields }) => Object.assign(parsed, { status, fields }),
      onBody: (chunk) => (parsed.body += chunk.toString("latin1")),
      onEnd: (chunk, trailers) => {
        if (trailers !== null) parsed.trailers = trailers;
        parsed.body += chunk?.toString("latin1") ?? "";
        parsed.ended += 1;
      },
      onSwitch: (fields, rest) => Object.assign(parsed, { status: 101, fields, body: rest.toString("latin1") }),
    },
    maySwitch,
  );
  for (const read of reads) parser.execute(read);
  if (closes) parser.closed();
  return { parsed, parser };
}

/** The bytes in pieces that end at the given places. */
function cut(bytes: Buffer, places: number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % bytes.length))].sort((a, b) => a - b);
  return [...ends, bytes.length]
    .map((end, at) => bytes.subarray(at === 0 ? 0 : ends[at - 1], end))
    .filter((b) => b.length > 0);
}

const body = fc.string({ unit: "binary-ascii", maxLength: 200 });
const framing = fc.constantFrom("length" as const, "chunked" as const, "close" as const);

function response(content: string, how: "length" | "chunked" | "close", chunks: number[]): string {
  if (how === "length") return `HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: ${content.length}\r\n\r\n${content}`;
  if (how === "close") return `HTTP/1.1 200 OK\r\nx-a: b\r\n\r\n${content}`;
  let text = "HTTP/1.1 200 OK\r\nx-a: b\r\ntransfer-encoding: chunked\r\n\r\n";
  let at = 0;
  for (const size of chunks) {
    const piece = content.slice(at, at + size);
    if (piece === "") break;
    text += `${piece.length.toString(16)};ext=1\r\n${piece}\r\n`;
    at += size;
  }
  if (at < content.length) text += `${(content.length - at).toString(16)}\r\n${content.slice(at)}\r\n`;
  return `${text}0\r\ntrailer: t\r\n\r\n`;
}

describe("the parser of replicas' responses", () => {
  it("reads the same out of any cutting of the bytes", () => {
    fc.assert(
      fc.property(
        body,
        framing,
        fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 6 }),
        fc.array(fc.nat(2000), { maxLength: 12 }),
        (content, how, chunks, places) => {
          const bytes = Buffer.from(`HTTP/1.1 103 Hint\r\nlink: x\r\n\r\n${response(content, how, chunks)}`, "latin1");
          const { parsed, parser } = parse("GET", cut(bytes, places), how === "close");
          assert.equal(parsed.status, 200);
          assert.equal(parsed.body, content);
          assert.equal(parsed.ended, 1);
          assert.equal(parser.keepAlive, how !== "close");
        },
      ),
    );
  });

  it("never takes a response that was cut off for a whole one", () => {
    fc.assert(
      fc.property(body, fc.constantFrom("length" as const, "chunked" as const), fc.nat(), (content, how, at) => {
        const bytes = Buffer.from(response(content, how, [5]), "latin1");
        const { parsed } = parse("GET", [bytes.subarray(0, at % bytes.length)], true);
        assert.equal(parsed.ended, 0);
      }),
    );
  });

  it("survives any bytes: it parses or refuses, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(400)), (garbage, places) => {
        for (const start of ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"]) {
          const bytes = Buffer.concat([Buffer.from(start), garbage]);
          if (bytes.length === 0) continue;
          try {
            parse("GET", cut(bytes, places), true);
          } catch (error) {
            assert.ok(error instanceof FramingError, String(error));
          }
        }
      }),
    );
  });

  it("tells of trailers but those that another parser could take for framing, and refuses what is no field", () => {
    const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n";
    const trailersOf = (lines: string) => parse("GET", [Buffer.from(`${chunked}${lines}\r\n`)], false).parsed.trailers;
    assert.equal(trailersOf(""), undefined);
    assert.equal(
      trailersOf("Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: x\r\nHost: x\r\n"),
      undefined,
    );
    assert.deepEqual(trailersOf("X-Sum:  7 \r\ncontent-length: 5\r\nx-more: a b\r\n"), ["X-Sum", "7", "x-more", "a b"]);
    for (const line of ["no field\r\n", "x y: 1\r\n", "x: \0\r\n", "x: 1\n\r\n", "x: y\r\n".repeat(5000)])
      assert.throws(() => trailersOf(line), FramingError, JSON.stringify(line.slice(0, 20)));
  });

  it("knows that a response to HEAD has no body, whatever its length says", () => {
    const { parsed, parser } = parse("HEAD", [Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")], false);
    assert.equal(parsed.ended, 1);
    assert.equal(parser.keepAlive, true);
  });

  const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nx-a: b\r\n\r\n";

  it("hands over where a replica switches to WebSocket as it was asked to, however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 6 }), (places) => {
        const { parsed } = parse("GET", cut(Buffer.from(SWITCH), places), false, true);
        assert.deepEqual(parsed, { status: 101, fields: "x-a: b\r\n", body: "", ended: 0 });
      }),
    );
    assert.equal(parse("GET", [Buffer.from(`${SWITCH}frames`)], false, true).parsed.body, "frames");
  });

  for (const [name, text] of Object.entries({
    "another protocol": SWITCH.replace("websocket", "h2c"),
    "a switch that Connection does not name": SWITCH.replace("connection: Upgrade", "connection: close"),
    "a switch with a body": SWITCH.replace("x-a: b", "content-length: 4"),
  })) {
    it(`refuses ${name} where WebSocket was asked for`, () => {
      assert.throws(() => parse("GET", [Buffer.from(text)], false, true), FramingError);
    });
  }

  for (const [name, text] of Object.entries({
    "a header without end": `HTTP/1.1 200 OK\r\nx-a: ${"x".repeat(70_000)}`,
    "fields without end": `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(300)}\r\n`,
    "interim responses without end": "HTTP/1.1 100 Continue\r\n\r\n".repeat(20),
    "a chunk line without end": `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;${"x".repeat(2000)}`,
    "a chunk that is longer than it said": "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabcd\r\n",
    "a chunk size that does not fit a number":
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "a negative length": "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "a NUL": "HTTP/1.1 200 OK\r\nx-a: \0\r\n\r\n",
    "a space in a name": "HTTP/1.1 200 OK\r\nx a: 1\r\n\r\n",
    "HTTP/2": "HTTP/2 200 OK\r\n\r\n",
  })) {
    it(`refuses ${name}`, () => {
      assert.throws(() => parse("GET", [Buffer.from(text, "latin1")], false), FramingError);
    });
  }
});
