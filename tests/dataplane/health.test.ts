import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Health } from "../../provider/dataplane/embedded/health";
import { until } from "../store/children";

const INTERVAL_MS = 50;
const RARE_MS = 5 * INTERVAL_MS;
/** A timer may fire so much early. */
const EARLY_MS = INTERVAL_MS;

describe("the balancer's own checks of a replica that is well", () => {
  let server: Server;
  let checkedAt: number[];
  let status: number;
  let isLookedOn: boolean;
  let health: Health;
  let passed: number;

  beforeEach(async () => {
    [checkedAt, status, isLookedOn, passed] = [[], 200, true, 0];
    server = createServer((_, response) => {
      checkedAt.push(performance.now());
      response.writeHead(status).end();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const readiness = {
      path: "/",
      startupGraceSeconds: 60,
      intervalSeconds: INTERVAL_MS / 1000,
      timeoutSeconds: 1,
      successThreshold: 1,
      failureThreshold: 2,
      method: "GET" as const,
      requestSecret: null,
    };
    health = new Health(
      { host: "127.0.0.1", port },
      readiness,
      () => undefined,
      () => (passed += 1),
      () => isLookedOn,
    );
  });

  afterEach(async () => {
    health.stop();
    server.closeAllConnections();
    await new Promise((stopped) => server.close(stopped));
  });

  /** Times between one check and the next, from now on. */
  async function gaps(count: number): Promise<number[]> {
    const from = checkedAt.length;
    await until("it was checked so often", () => checkedAt.length > from + count);
    const seen = checkedAt.slice(from, from + count + 1);
    return seen.slice(1).map((at, index) => at - seen[index]!);
  }

  it("are rare while the agent looks on, which probes it too", async () => {
    await until("it was checked", () => passed > 0);
    for (const gap of await gaps(4)) assert.ok(gap > RARE_MS - 2 * EARLY_MS, `${gap} ms`);
  });

  it("are made at every interval when the agent has fallen silent", async () => {
    await until("it was checked", () => passed > 0);
    isLookedOn = false;
    // On a busy computer some come late; one that is not is enough, as rare ones never come early.
    await until("one at its interval", async () => (await gaps(1))[0]! < RARE_MS - 2 * EARLY_MS);
  });

  it("are made at every interval when a request or a check failed", async () => {
    await until("it was checked", () => passed > 0);
    health.requestFailed("it broke");
    await until("one at its interval", async () => (await gaps(1))[0]! < RARE_MS - 2 * EARLY_MS);
    health.requestSucceeded();
    status = 500;
    await until("it is out after as many failed checks as ever", () => !health.healthy);
    status = 200;
    await until("it is back", () => health.healthy);
  });
});
