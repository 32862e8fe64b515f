import assert from "node:assert/strict";
import fc from "fast-check";
import { chunkSize } from "../../provider/dataplane/embedded/chunks";
import { ResponseParser } from "../../provider/dataplane/embedded/framing";

/** What a client would be sent of a chunked response that comes in these pieces. */
function passedOn(reads: readonly Buffer[]): string {
  let sent = "";
  const parser = new ResponseParser();
  parser.begin(
    "GET",
    {
      takesChunks: true,
      onHints: () => undefined,
      onHead: () => undefined,
      onChunks: (chunks) => (sent += chunks.toString("latin1")),
      onBody: (piece) => (sent += `${piece.length.toString(16)}\r\n${piece.toString("latin1")}\r\n`),
      onEnd: () => (sent += "0\r\n\r\n"),
      onSwitch: () => assert.fail("nobody asked to switch"),
    },
    false,
  );
  for (const read of reads) parser.execute(read);
  return sent;
}

function decoded(text: string): string {
  let body = "";
  for (let at = 0; ;) {
    const end = text.indexOf("\r\n", at);
    const size = chunkSize(text.slice(at, end))!;
    if (size === 0) {
      assert.equal(text.slice(end), "\r\n\r\n");
      return body;
    }
    body += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

describe("chunks that are passed on as they came", () => {
  const chunk = fc.record({
    text: fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 300 }),
    extension: fc.constantFrom("", "", "", ";a", ";a=b"),
    zeros: fc.constantFrom("", "", "0", "00000000"),
  });

  it("say the same, wherever the reads are cut, and never have an extension or a trailer", () => {
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 8 }), (chunks, places) => {
        const framed = chunks.map(
          ({ text, extension, zeros }) => `${zeros}${text.length.toString(16)}${extension}\r\n${text}\r\n`,
        );
        const bytes = Buffer.from(
          `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${framed.join("")}0\r\nx: y\r\n\r\n`,
          "latin1",
        );
        const ends = [...new Set(places.map((place) => place % bytes.length)), bytes.length].sort((a, b) => a - b);
        const reads = ends.map((end, at) => bytes.subarray(at === 0 ? 0 : ends[at - 1], end)).filter((b) => b.length);
        assert.equal(decoded(passedOn(reads)), chunks.map(({ text }) => text).join(""));
      }),
    );
  });
});
