import assert from "node:assert/strict";
import { Random } from "../simulation/simulator/random";
import { compareParsers } from "./fuzz/differential";
import { ours } from "./fuzz/parsers";

const MUTANTS = 4000;

describe("the parser of clients' requests", () => {
  it("takes nothing that Node's own parser refuses, and nothing otherwise, however the bytes are cut", () => {
    const outcome = compareParsers(MUTANTS, new Random("requests"));
    assert.deepEqual(outcome.disagreements, []);
    assert.deepEqual(outcome.cutOtherwise, []);
    assert.ok(outcome.takenByBoth > MUTANTS / 50, `${outcome.takenByBoth} proper ones`);
    assert.ok(outcome.refusedByBoth > MUTANTS / 2, `${outcome.refusedByBoth} improper ones`);
  });

  const get = (target: string, more = ""): string => `GET ${target} HTTP/1.1\r\nhost: x\r\n${more}\r\n`;
  const chunked = (body: string, minor = 1): string =>
    `POST / HTTP/1.${minor}\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${body}`;
  for (const [name, text] of Object.entries({
    "a method that nobody knows": "GOT / HTTP/1.1\r\nhost: x\r\n\r\n",
    "a tunnel": "CONNECT x:80 HTTP/1.1\r\nhost: x:80\r\n\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two spaces after the method": "GET  / HTTP/1.1\r\nhost: x\r\n\r\n",
    "a tab in the first line": "GET\t/ HTTP/1.1\r\nhost: x\r\n\r\n",
    "a fragment": get("/a#b"),
    "bytes above ASCII in the target": get("/\xe9"),
    "a target that is no path": get("path"),
    "another scheme": get("ftp://x/"),
    "a user in the target": get("http://me@x/"),
    "the asterisk, but for OPTIONS": get("*"),
    "a Host that is none": "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n",
    "a NUL": get("/", "x: \0\r\n"),
    "a bare LF": "GET / HTTP/1.1\nhost: x\r\n\r\n",
    "another expectation": get("/", "expect: money\r\n"),
    "a Content-Length that trims to a number only with more than blanks": get("/", "content-length: \xa05\r\n"),
    "chunks of HTTP/1.0": chunked("0\r\n\r\n", 0),
    "a blank after the size of a chunk": chunked("5 \r\nhello\r\n0\r\n\r\n"),
    "a chunk line without end": chunked(`5;${"x".repeat(2000)}`),
    "extensions without end": chunked(`1;${"x".repeat(1000)}\r\na\r\n`.repeat(20)),
    "a chunk that is longer than it said": chunked("2\r\nabcd\r\n0\r\n\r\n"),
    "trailers without end": chunked(`0\r\n${"x: y\r\n".repeat(5000)}`),
    "a trailer that is about framing": chunked("0\r\ncontent-length: 5\r\n\r\n"),
    "a trailer that is no header": chunked("0\r\nx y: 1\r\n\r\n"),
    "a header without end": `GET / HTTP/1.1\r\nx: ${"x".repeat(20_000)}`,
  })) {
    it(`refuses ${name}`, () => {
      const { reads, refused } = ours([Buffer.from(text, "latin1")]);
      assert.deepEqual({ reads, refused }, { reads: [], refused: true });
    });
  }

  it("skips empty lines before a request, and keeps none of them", () => {
    const { reads, refused } = ours([Buffer.from("\r\n".repeat(50_000)), Buffer.from(get("/"))]);
    assert.deepEqual([reads.length, refused], [1, false]);
  });
});
