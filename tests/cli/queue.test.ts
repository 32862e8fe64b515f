import assert from "node:assert/strict";
import type { ServiceView } from "../../provider/cli/view/service";
import { ownStateHome } from "../controller/stored-service";
import { ask } from "../dataplane/support/client";
import { startEngine, type ProcessUnderTest } from "../dataplane/support/engine-process";
import { balancer, route, routing, version } from "../dataplane/support/routing";
import { until } from "../dataplane/support/until";
import { removeFolders } from "../store/folders";
import { pulumiServe } from "./run-cli";
import { servingWorld, stored } from "./stored-world";

describe("the balancer's queue, in `pulumi-serve status`", function () {
  this.timeout(180_000);
  let restore: () => void;
  let engine: ProcessUnderTest | null;
  beforeEach(() => {
    restore = ownStateHome();
    engine = null;
  });
  afterEach(async () => {
    await engine?.stop();
    restore();
    removeFolders();
  });

  it("is shown with its bound, and with what it had to refuse", async () => {
    const store = await stored("project/dev/chat", servingWorld());
    const { version: before, value } = await store.readIntent();
    value.service.spec.balancer.maxQueue = 2;
    await store.writeIntent(before, value);
    engine = await startEngine("embedded", store.location);
    await engine.plane.apply(
      routing([route({ pool: "p", primary: version(1, []) })], {
        balancer: balancer({ maxQueue: 2, queueTimeoutSeconds: 120 }),
      }),
    );
    const { port } = (await engine.plane.observe()).endpoint!;
    const waiting = [ask(port), ask(port)].map((answer) => answer.catch(() => null));
    await until("two wait", async () => (await engine!.plane.observe()).routes["/"]!.queued === 2);
    assert.equal((await ask(port)).status, 503);

    const { out } = await pulumiServe("status", "chat");
    assert.match(out, /SERVICE_NAME +POOL +IN_FLIGHT +QUEUED +REFUSED\nchat +p +0 +2\/2 +1\n/);
    const { services } = JSON.parse((await pulumiServe("status", "--json")).out) as { services: ServiceView[] };
    assert.deepEqual(services[0]!.queues, [
      { pool: "p", route: "/", inFlight: 0, queued: 2, maxQueue: 2, rejected: 1 },
    ]);
    await engine.stop();
    await Promise.all(waiting);
  });

  it("is left out while the balancer does not answer", async () => {
    await stored("project/dev/chat", servingWorld());
    assert.doesNotMatch((await pulumiServe("status", "chat")).out, /QUEUED/);
  });
});
