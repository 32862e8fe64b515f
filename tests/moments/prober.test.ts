import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net";
import type { ReadinessSpec } from "../../provider/core/spec/pool";
import { systemClock } from "../../provider/host/clock";
import type { ProbeTarget } from "../../provider/ports/prober";
import { createHttpProber } from "../../provider/prober";
import { until } from "../store/children";

const READINESS: ReadinessSpec = {
  path: "/health",
  startupGraceSeconds: 60,
  intervalSeconds: 30,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
  method: "GET",
  requestSecret: null,
};

describe("the http prober", () => {
  it("finds a starting replica within a fraction of a long interval, and probes it less often once it serves", async () => {
    const before = createTcpServer();
    const port = await listen(before);
    await stop(before);
    const prober = createHttpProber({ clock: systemClock, secrets: () => Promise.reject(new Error("there are none")) });
    const watch = (phase: ProbeTarget["phase"]) =>
      prober.watch([{ replicaId: "r-1", address: { host: "127.0.0.1", port }, readiness: READINESS, phase }]);
    const reading = () => prober.readings()["r-1"];
    let asked = 0;
    const server = createServer((_, response) => response.end(String(++asked)));
    try {
      watch("starting");
      await until("refused", () => reading()?.consecutiveFailures);
      await listen(server, port);
      const up = Date.now();
      await until("ready", () => reading()?.consecutiveSuccesses);
      assert.ok(Date.now() - up < 1000, `${Date.now() - up} ms`);
      watch("serving");
      const [count, since] = [asked, Date.now()];
      await until("half a second", () => Date.now() - since > 500);
      assert.ok(asked <= count + 1, `${asked - count} probes`);
      assert.ok(reading()!.consecutiveSuccesses > 0, "its reading was kept");
    } finally {
      prober.close();
      server.closeAllConnections();
      await stop(server);
    }
  });
});

async function listen(server: Server, port = 0): Promise<number> {
  await once(server.listen(port, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

function stop(server: Server): Promise<void> {
  return new Promise((stopped) => server.close(() => stopped()));
}
