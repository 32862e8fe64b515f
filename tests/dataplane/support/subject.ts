import assert from "node:assert/strict";
import { Agent } from "node:http";
import type { DesiredRouting } from "../../../provider/core/routing";
import type { KeyPair } from "../../../provider/core/spec/tls-input";
import type { DataPlane, DataPlaneReport } from "../../../provider/ports/dataplane";
import type { EngineFactory, EngineUnderTest } from "./engine";
import { stopReplicas } from "./replica";
import { killReplicaProcesses } from "./replica-process";
import { until } from "./until";

/** Fewer are not the whole list. */
const LEAST_BEHAVIOURS = 100;

/** What a conformance test works with; the engine behind it is not its business. */
export interface Subject {
  readonly plane: DataPlane;
  /** Of the service. */
  readonly folder: string;
  /** How many there are that count each for itself. */
  readonly workers: number;
  /** For requests whose order counts: with several workers one connection for all of them, which stays with one. */
  readonly agent: Agent | undefined;
  /** Puts a routing in force and returns the port that clients use. */
  serve(desired: DesiredRouting, keyPair?: KeyPair): Promise<number>;
  report(): Promise<DataPlaneReport>;
  /** Waits until nothing runs and nothing waits any more. */
  settled(): Promise<void>;
}

/** By the name of a behaviour: why this engine cannot have it. Such a one is skipped, with the reason in its name. */
export type Lacks = Readonly<Record<string, string>>;

/**
 * Registers the hooks of one suite: one engine for all of its tests, and after each test every counter must be back at 0,
 * whatever the test did to its clients and replicas.
 */
export function subjectOf(start: EngineFactory, lacks: Lacks = {}): Subject {
  const met = new Set<string>();
  let engine: EngineUnderTest | null = null;
  let agent: Agent | undefined;
  const subject: Subject = {
    get plane() {
      assert.ok(engine, "the engine has started");
      return engine.plane;
    },
    get folder() {
      assert.ok(engine, "the engine has started");
      return engine.folder;
    },
    get workers() {
      return engine?.workers ?? 1;
    },
    get agent() {
      return agent;
    },
    serve: async (desired, keyPair) => {
      await subject.plane.apply(desired, keyPair);
      const report = await subject.report();
      assert.equal(report.generation, desired.generation);
      return report.endpoint!.port;
    },
    report: () => subject.plane.observe(),
    settled: () =>
      until("every counter is back at 0", async () => {
        const { replicas, routes } = await subject.report();
        return (
          Object.values(replicas).every((replica) => replica.inFlight === 0) &&
          Object.values(routes).every((route) => route.queued === 0)
        );
      }),
  };
  before(async () => {
    engine = await start();
  });
  beforeEach(function () {
    const test = this.currentTest!;
    const behaviour = test.titlePath().slice(1).join(" ");
    met.add(behaviour);
    if (subject.workers > 1) agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const reason = lacks[behaviour];
    if (reason === undefined) return;
    test.title += ` - not with this engine: ${reason}`;
    this.skip();
  });
  afterEach(async () => {
    agent?.destroy();
    try {
      await subject.settled();
    } finally {
      await stopReplicas();
      await killReplicaProcesses();
    }
  });
  after(async () => {
    await engine?.stop();
  });
  after("what the engine lacks is a behaviour of the list", () => {
    // With --grep only some of the list has been met.
    if (met.size < LEAST_BEHAVIOURS) return;
    assert.deepEqual(
      Object.keys(lacks).filter((behaviour) => !met.has(behaviour)),
      [],
    );
  });
  return subject;
}
