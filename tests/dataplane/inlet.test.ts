import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { freshInlet, type Inlet } from "../../provider/dataplane/embedded/inlet";
import { until } from "./support/until";

describe("a connection that was just accepted", () => {
  let server: Server;
  let client: Socket;
  let accepted: Socket;
  let said: string;

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const came = once(server, "connection") as Promise<[Socket]>;
    await once(server.listen(0, "127.0.0.1"), "listening");
    client = connect((server.address() as AddressInfo).port, "127.0.0.1").on("error", () => undefined);
    [accepted] = await came;
    said = "";
  });
  afterEach(() => {
    client.destroy();
    server.close();
  });

  function reads(inlet: Inlet): Inlet {
    inlet.take = (bytes) => (said += bytes.toString());
    return inlet;
  }

  it("is read into the buffer that all share, by the make of this Node", async () => {
    const { socket } = reads(freshInlet(accepted));
    assert.notEqual(socket, accepted, `Node ${process.version} is made of something else: see inlet.ts`);
    assert.equal(socket.remotePort, client.localPort);
    client.write("one");
    await until("it was read", () => said === "one");
    socket.pause();
    client.end("two");
    socket.write("answer");
    assert.equal(String((await once(client, "data"))[0]), "answer");
    assert.equal(said, "one", "it was read while it was paused");
    socket.resume();
    await once(socket, "end");
    assert.equal(said, "onetwo");
    socket.destroy();
  });

  it("is counted by its server until it is closed", async () => {
    const { socket } = reads(freshInlet(accepted));
    let closed = false;
    server.close(() => (closed = true));
    client.write("still here");
    await until("it was read", () => said === "still here");
    assert.equal(closed, false);
    socket.destroy();
    await until("the server was closed", () => closed);
  });

  it("is read by its events where Node is made of something else", async () => {
    Object.assign(accepted, { _server: undefined });
    const { socket } = reads(freshInlet(accepted));
    assert.equal(socket, accepted);
    client.write("one");
    await until("it was read", () => said === "one");
    socket.destroy();
  });
});
