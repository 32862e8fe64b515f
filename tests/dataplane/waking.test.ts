import assert from "node:assert/strict";
import type { EngineKind } from "../../provider/core/spec/pool";
import { findHaproxy } from "../../provider/dataplane/haproxy/binary";
import { ask } from "./support/client";
import { startEngine, type ProcessUnderTest } from "./support/engine-process";
import { startReplica } from "./support/replica";
import { route, routing, version } from "./support/routing";
import { subjectOf } from "./support/subject";
import { until } from "./support/until";

function holdsWhileAsleep(kind: EngineKind): void {
  let engine: ProcessUnderTest;
  const subject = subjectOf(async () => (engine = await startEngine(kind)));
  const asleep = (queueTimeoutSeconds = 0.2, wakeSeconds = 30) =>
    routing([route({ primary: version(1, []), wakeSeconds })], {
      balancer: { ...routing([]).balancer, queueTimeoutSeconds, maxQueue: 3 },
    });

  it("holds requests longer than any other queue, says so at once, and loses none when it wakes", async () => {
    let told = 0;
    engine.plane.onWaiting(() => (told += 1));
    const sleeping = asleep();
    const port = await subject.serve(sleeping);
    const before = (await subject.report()).pools!["pool"]!.arrivals;
    const pinned = { "x-pulumi-serve-version": "primary" };
    const body = "x".repeat(200_000);
    const held = [ask(port), ask(port, { headers: pinned }), ask(port, { body })];
    await until("three wait", async () => (await subject.report()).pools!["pool"]!.queued === 3);
    assert.equal(told, 1, "the first one is told, and the rest would be no news");
    const refused = await ask(port);
    assert.equal(refused.status, 503, "as many wait as may");
    assert.deepEqual((await subject.report()).pools!["pool"], { arrivals: before + 4, inFlight: 0, queued: 3 });

    const replica = await startReplica();
    const primary = version(1, [replica]);
    await subject.serve(routing([route({ primary, wakeSeconds: 30 })], { balancer: sleeping.balancer }));
    const answers = await Promise.all(held);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    );
    assert.equal(replica.seen.find(({ method }) => method === "POST")?.body.length, body.length);
  });

  it("gives up when nobody has come for as long as a wake may take", async () => {
    const port = await subject.serve(asleep(60, 0.3));
    const { status, body } = await ask(port);
    assert.equal(status, 503);
    assert.match(body, /within 0\.3 s/);
  });

  it("refuses a version that it would not have awake either", async () => {
    const port = await subject.serve(asleep());
    assert.equal((await ask(port, { headers: { "x-pulumi-serve-version": "canary" } })).status, 503);
  });
}

describe("a route that sleeps, in the embedded data plane", () => holdsWhileAsleep("embedded"));

describe("a route that sleeps, in the HAProxy data plane", () => {
  const haproxy = findHaproxy();
  if (haproxy.kind === "unusable") it(`is not tested here: ${haproxy.reason}`);
  else holdsWhileAsleep("haproxy");
});
