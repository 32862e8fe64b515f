import assert from "node:assert/strict";
import { parseLine } from "../../provider/dataplane/haproxy/log-lines";
import { quoted, replicaOfServer, serverName } from "../../provider/dataplane/haproxy/names";

describe("what is written for HAProxy and read from it", () => {
  it("names servers so that replica and revision can be read back, whatever is in them", () => {
    for (const id of ["chat-gpu-3", "a.b/c d", "größe:x"]) {
      const name = serverName({ id, host: "127.0.0.1", port: 1 }, "0123456789abcdef");
      assert.match(name, /^[A-Za-z0-9_.:-]+$/);
      assert.deepEqual(replicaOfServer(name), { id, revision: "0123456789abcdef" });
    }
    assert.equal(replicaOfServer("room"), null);
  });

  it("lets no word of ours become another statement", () => {
    assert.equal(quoted("/a b'c\"$d"), `'/a b'\\''c"$d'`);
    assert.throws(() => quoted("/a\n  server evil 10.0.0.1:80"), { code: "InvalidInput" });
  });

  it("reads a request's times from its arrival, and nothing from a line that was cut", () => {
    const line = parseLine("p0a r.1234.rev 200 -- 7 5 1 20 40 1 p0");
    assert.equal(line?.timeToFirstByte, 26);
    assert.equal(line?.latency, 33);
    assert.equal(line?.retried, true);
    assert.equal(parseLine("p0a r.1234.rev 200 --"), null);
  });
});
