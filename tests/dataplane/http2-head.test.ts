import assert from "node:assert/strict";
import { parseHttp2Head } from "../../provider/dataplane/embedded/http2-head";
import { headForReplica } from "../../provider/dataplane/embedded/request-head";

const ASKED = [":method", "POST", ":scheme", "https", ":authority", "x", ":path", "/p"];

describe("the head of a request by HTTP/2", () => {
  const forReplica = (fields: string[], more: boolean): string => {
    const head = parseHttp2Head(fields, more, 1000);
    assert.ok(!("status" in head), JSON.stringify(head));
    return headForReplica(head, { peer: undefined, scheme: "https", hop: "", withTokens: false });
  };
  const START = "POST /p HTTP/1.1\r\nhost: x\r\n";
  const END = "x-forwarded-proto: https\r\n";

  it("becomes one of HTTP/1.1, its cookies in one field", () => {
    assert.equal(
      forReplica([...ASKED, "cookie", "a=1", "x-a", "1", "x-a", "2", "cookie", "b=2", "te", "trailers"], false),
      `${START}x-a: 1\r\nx-a: 2\r\ncookie: a=1; b=2\r\n${END}\r\n`,
    );
  });

  it("has a body by its length, or by chunks when it tells none", () => {
    assert.equal(forReplica([...ASKED, "content-length", "5"], true), `${START}${END}content-length: 5\r\n\r\n`);
    assert.equal(forReplica(ASKED, true), `${START}${END}transfer-encoding: chunked\r\n\r\n`);
    assert.equal(forReplica(ASKED, false), `${START}${END}\r\n`);
  });

  it("takes Host for its authority where it has none", () => {
    assert.equal(forReplica([...ASKED.slice(0, 4), ":path", "/p", "host", "x"], false), `${START}${END}\r\n`);
  });

  it("is 431 when it is larger than it may be, in the count of HTTP/1.1", () => {
    const head = parseHttp2Head([...ASKED, "x-a", "x".repeat(1000)], false, 1000);
    assert.equal("status" in head && head.status, 431);
  });

  // The library refuses most of them before; what reaches a replica must not rest on that alone.
  for (const [name, fields] of Object.entries({
    "a line break in a value": [...ASKED, "x-a", "1\r\nx-b: 2"],
    "NUL in a value": [...ASKED, "x-a", "1\0"],
    "a line break in a name": [...ASKED, "x-a: 1\r\nx-b", "2"],
    "a name in upper case": [...ASKED, "X-A", "1"],
    "a line break in the path": [...ASKED.slice(0, 6), ":path", "/ HTTP/1.1\r\nhost: x\r\n\r\nGET /admin"],
    "a space in the path": [...ASKED.slice(0, 6), ":path", "/ /admin"],
    "a space in the method": [":method", "GET /admin", ...ASKED.slice(2)],
    "a line break in the authority": [...ASKED.slice(0, 4), ":authority", "x\r\nx-a: 1", ":path", "/p"],
    "two paths": [...ASKED, ":path", "/admin"],
    "no path": [":method", "GET", ":scheme", "https"],
    "no authority": [":method", "GET", ":scheme", "https", ":path", "/"],
    "two hosts": [...ASKED, "host", "x", "host", "x"],
    "another host": [...ASKED, "host", "y"],
    "a connection": [...ASKED, "connection", "close"],
    "an upgrade": [...ASKED, "upgrade", "websocket"],
    "a transfer-encoding": [...ASKED, "transfer-encoding", "chunked"],
    "another te": [...ASKED, "te", "gzip"],
    "two lengths": [...ASKED, "content-length", "1", "content-length", "1"],
    "a length that is none": [...ASKED, "content-length", "+1"],
  })) {
    it(`is refused with ${name}`, () => {
      const head = parseHttp2Head(fields, true, 1000);
      assert.equal("status" in head && head.status, 400);
    });
  }
});
