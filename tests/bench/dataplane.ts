import { get, type ServerResponse } from "node:http";
import { loadavg } from "node:os";
import { join } from "node:path";
import type { DesiredReplica } from "../../provider/core/routing";
import type { EngineKind } from "../../provider/core/spec/pool";
import { startEngine, type ProcessUnderTest } from "../dataplane/support/engine-process";
import { startListening, stopReplicas } from "../dataplane/support/replica";
import { CANARY, PRIMARY, route, routing, version } from "../dataplane/support/routing";
import { until } from "../dataplane/support/until";
import { engines } from "./engines";
import { startProgram } from "./process";

const CYCLES = 12;
const SPLITS = 20;
const STREAMS = 40;
const EVENT_EVERY_MS = 50;
const CLIENTS = 64;
const LOAD_MS = 20_000;
const LEAST_REQUESTS = 90_000;
/** A change is in force and used when so many requests have gone to whom it brought in. */
const USED = 20;

interface Crossed {
  requests: number;
  failed: number;
  cycles: number;
  splitChanges: number;
  streams: number;
  streamsCut: number;
  /** Of one stream: how long it ran. */
  streamSeconds: number;
}

/** Who serves: of the pool that gets the load, and of the one that has the streams. */
interface Members {
  load: DesiredReplica[];
  streams: DesiredReplica[];
}

/**
 * What must not cost a single request, on each engine: replicas that come and go, weights that change, and a whole rollout,
 * all at full load and across streams that were open before and end after it.
 */
export async function benchDataplane(json: boolean): Promise<void> {
  const result: Partial<Record<EngineKind, Crossed>> = {};
  for (const kind of engines()) result[kind] = await cross(kind);
  const lost = Object.values(result).some(({ failed, streamsCut }) => failed > 0 || streamsCut > 0);
  if (lost) process.exitCode = 1;
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...result, loadAverage: loadavg()[0] })}\n`);
    return;
  }
  for (const [kind, { requests, failed, cycles, splitChanges, streams, streamsCut, streamSeconds }] of Object.entries(
    result,
  )) {
    process.stdout.write(
      `${kind.padEnd(10)}${failed} of ${requests} requests failed over ${cycles} cycles and ${splitChanges} split changes; ` +
        `${streamsCut} of ${streams} streams of ${streamSeconds} s cut\n`,
    );
  }
}

async function cross(kind: EngineKind): Promise<Crossed> {
  const backends = [0, 1, 2].map(() => startProgram(join(__dirname, "proxy/programs/backend.ts")));
  const engine = await startEngine(kind);
  try {
    const ports: number[] = [];
    for (const backend of backends) ports.push(Number(await backend.line()));
    const replica = (id: string, at: number): DesiredReplica => ({ id, host: "127.0.0.1", port: ports[at]! });
    const sources = new StreamSources();
    const old: Members = { load: [replica("old-0", 0), replica("old-1", 1)], streams: await sources.start(2) };
    const next: Members = { load: [replica("next", 2)], streams: await sources.start(2) };

    await engine.plane.apply(routing(only(old, PRIMARY)));
    const { port } = (await engine.plane.observe()).endpoint!;
    const begun = performance.now();
    const streams = Array.from({ length: STREAMS }, () => openStream(port));
    await until("every stream has begun", () => sources.open === STREAMS);

    const load = loadUntil(port);
    for (let cycle = 0; cycle < CYCLES; cycle += 1) await comeAndGo(engine, old, replica(`added-${cycle}`, 2));
    for (let share = 1; share <= SPLITS; share += 1) {
      await engine.plane.apply(
        routing([
          route({
            primary: version(SPLITS - share, old.load),
            canary: version(share, next.load, CANARY),
          }),
          route({
            prefix: "/stream",
            pool: "streams",
            primary: version(SPLITS - share, old.streams),
            canary: version(share, next.streams, CANARY),
          }),
        ]),
      );
      await used(engine, next.load[0]!);
    }
    await engine.plane.apply(routing(only(next, CANARY, old)));
    await idle(engine, old.load);
    const { requests, failed } = await load();
    const held = Object.values((await engine.plane.observe()).replicas).reduce(
      (sum, { inFlight }) => sum + inFlight,
      0,
    );
    sources.finish();
    const whole = (await Promise.all(streams)).filter((ended) => ended === "whole").length;
    const streamSeconds = Math.round((performance.now() - begun) / 1000);
    if (held < whole) throw new Error(`only ${held} streams were held when the rollout was over`);
    await idle(engine, old.streams);
    await engine.plane.apply(routing(only(next, CANARY)));
    return {
      requests,
      failed,
      cycles: CYCLES,
      splitChanges: SPLITS,
      streams: STREAMS,
      streamsCut: STREAMS - whole,
      streamSeconds,
    };
  } finally {
    await engine.stop();
    for (const backend of backends) await backend.stop();
    await stopReplicas();
  }
}

/** One revision alone; `draining` are those that it has taken over from. */
function only({ load, streams }: Members, revision: string, draining: Members = { load: [], streams: [] }) {
  return [
    route({ primary: version(1, load, revision), draining: draining.load }),
    route({
      prefix: "/stream",
      pool: "streams",
      primary: version(1, streams, revision),
      draining: draining.streams,
    }),
  ];
}

/** A replica is added, used, drained and taken away. */
async function comeAndGo(engine: ProcessUnderTest, members: Members, added: DesiredReplica): Promise<void> {
  await engine.plane.apply(routing(only({ ...members, load: [...members.load, added] }, PRIMARY)));
  await used(engine, added);
  await engine.plane.apply(routing(only(members, PRIMARY, { load: [added], streams: [] })));
  await idle(engine, [added]);
  await engine.plane.apply(routing(only(members, PRIMARY)));
}

async function used(engine: ProcessUnderTest, { id }: DesiredReplica): Promise<void> {
  const attempts = async (): Promise<number> => (await engine.plane.observe()).metrics[id]?.attempts ?? 0;
  const before = await attempts();
  await until(`${id} is used`, async () => (await attempts()) >= before + USED);
}

async function idle(engine: ProcessUnderTest, replicas: DesiredReplica[]): Promise<void> {
  await until("who drains is idle", async () => {
    const report = await engine.plane.observe();
    return replicas.every(({ id }) => (report.replicas[id]?.inFlight ?? 0) === 0);
  });
}

/** Full load from a process of its own, from now on and until it has made enough requests; the function waits for its end. */
function loadUntil(port: number): () => Promise<{ requests: number; failed: number }> {
  let changed = false;
  const made = (async () => {
    const sum = { requests: 0, failed: 0 };
    while (!changed || sum.requests < LEAST_REQUESTS) {
      const args = [...[port, CLIENTS, LOAD_MS].map(String), "post"];
      const load = startProgram(join(__dirname, "proxy/programs/requests.ts"), args);
      try {
        const { units, failed } = JSON.parse(await load.line()) as { units: number; failed: number };
        sum.requests += units;
        sum.failed += failed;
      } finally {
        await load.stop();
      }
    }
    return sum;
  })();
  // Awaited at the end; a failure of ours before that must not end the process with what it started still running.
  made.catch(() => undefined);
  return () => {
    changed = true;
    return made;
  };
}

/** Replicas that stream numbered events until they are told to come to an end. */
class StreamSources {
  private readonly running = new Map<ServerResponse, NodeJS.Timeout>();

  get open(): number {
    return this.running.size;
  }

  start(count: number): Promise<DesiredReplica[]> {
    return Promise.all(Array.from({ length: count }, () => startListening((_req, res) => this.stream(res))));
  }

  finish(): void {
    for (const [res, timer] of this.running) {
      clearInterval(timer);
      res.end("data: end\n\n");
    }
    this.running.clear();
  }

  private stream(res: ServerResponse): void {
    let sent = 0;
    res.writeHead(200, { "content-type": "text/event-stream" });
    const timer = setInterval(() => res.write(`data: ${(sent += 1)}\n\n`), EVENT_EVERY_MS);
    this.running.set(res, timer);
    res.on("close", () => clearInterval(timer));
  }
}

/** Whole: every event came, in order, and the last one. */
function openStream(port: number): Promise<"whole" | "cut"> {
  return new Promise((resolve) => {
    const sent = get({ host: "127.0.0.1", port, path: "/stream", agent: false }, (res) => {
      let text = "";
      res.setEncoding("utf8");
      res.on("data", (chunk: string) => (text += chunk));
      res.on("error", () => resolve("cut"));
      res.on("end", () => {
        const events = text.split("\n\n").slice(0, -1);
        const last = events.pop();
        const inOrder = events.every((event, at) => event === `data: ${at + 1}`);
        resolve(last === "data: end" && inOrder ? "whole" : "cut");
      });
    });
    sent.on("error", () => resolve("cut"));
  });
}
