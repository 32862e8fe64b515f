import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { EngineKind } from "../../provider/core/spec/pool";
import { findHaproxy } from "../../provider/dataplane/haproxy/binary";
import { ask } from "./support/client";
import { startEngine } from "./support/engine-process";
import { startReplica } from "./support/replica";
import { primaryOnly } from "./support/routing";
import { subjectOf } from "./support/subject";
import { until } from "./support/until";

const IDLE = 10_000;
/** Of the process that has the clients, or the engine, for all else. */
const SPARE_FILES = 1000;
/** What an engine reserves for each client: HAProxy the one to the replica, too. */
const FILES: Record<EngineKind, number> = { embedded: 1, haproxy: 2 };
/** Connecting at once, so that none has to wait for its handshake to be sent again. */
const AT_ONCE = 500;

function standsIdleClients(kind: EngineKind): void {
  const subject = subjectOf(() => startEngine(kind));

  it(`has room for ${IDLE} clients that say nothing, and serves the next one`, async function () {
    const count = Math.min(IDLE, Math.floor((openFiles() - SPARE_FILES) / FILES[kind]));
    if (count < IDLE) this.test!.title += ` - here ${count}: a process may have ${openFiles()} open files`;
    const replica = await startReplica();
    const port = await subject.serve(primaryOnly([replica]));
    const clients: Socket[] = [];
    let closed = 0;
    try {
      while (clients.length < count) {
        await Promise.all(
          Array.from({ length: Math.min(AT_ONCE, count - clients.length) }, () => {
            const client = connect(port, "127.0.0.1");
            clients.push(client);
            client.on("close", () => (closed += 1));
            return new Promise<void>((resolve, reject) => client.on("connect", resolve).on("error", reject));
          }),
        );
      }
      for (let asked = 0; asked < 10; asked += 1) assert.equal((await ask(port)).body, replica.id);
      assert.equal(closed, 0);
    } finally {
      for (const client of clients) client.destroy();
    }
    await until("all of them have gone", () => closed === clients.length);
    assert.equal((await ask(port)).body, replica.id);
  });
}

function openFiles(): number {
  return Number(/^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 0);
}

describe("the embedded data plane", () => standsIdleClients("embedded"));

describe("the HAProxy data plane", () => {
  const found = findHaproxy();
  if (found.kind === "unusable") it(`is not tested here: ${found.reason}`);
  else standsIdleClients("haproxy");
});
