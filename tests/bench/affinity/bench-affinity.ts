import { loadavg } from "node:os";
import { join } from "node:path";
import type { AffinitySpec, EngineKind } from "../../../provider/core/spec/pool";
import { startEngine } from "../../dataplane/support/engine-process";
import { primaryOnly } from "../../dataplane/support/routing";
import { engines } from "../engines";
import { startProgram } from "../process";

const REPLICAS = 4;
/** Beginnings of conversations that one replica keeps: more than its share of them, far fewer than all. */
const CACHE_ENTRIES = 30;
const CLIENTS = 96;
const THINK_MS = 800;
const WARM_UP_MS = 2500;
const MEASURED_MS = 6000;

const prefix: AffinitySpec = { prefixBytes: 1024, prefixField: "messages" };

interface Case {
  name: string;
  affinity: AffinitySpec | undefined;
  prompts: number;
  thinkMs: number;
}

const CASES: readonly Case[] = [
  { name: "conversations, by load alone", affinity: undefined, prompts: CLIENTS, thinkMs: THINK_MS },
  { name: "conversations, by prefix", affinity: prefix, prompts: CLIENTS, thinkMs: THINK_MS },
  {
    name: "one prompt of all, by prefix whatever the load",
    affinity: { ...prefix, maxLoadGap: 100_000 },
    prompts: 1,
    thinkMs: 0,
  },
  { name: "one prompt of all, by prefix", affinity: prefix, prompts: 1, thinkMs: 0 },
];

interface Figures {
  requestsPerSecond: number;
  failed: number;
  hitRate: number;
  firstByteP50Ms: number;
  firstByteP95Ms: number;
}

/**
 * What affinity by prefix buys where replicas keep a prefix cache, and what its way out buys where all have the same prefix:
 * simulated replicas, real engines.
 */
export async function benchAffinity(json: boolean): Promise<void> {
  const result: Partial<Record<EngineKind, Record<string, Figures>>> = {};
  for (const kind of engines()) {
    const figures: Record<string, Figures> = {};
    for (const each of CASES) figures[each.name] = await measure(kind, each);
    result[kind] = figures;
    if (json) continue;
    process.stdout.write(`\n${kind}\n`);
    console.table(figures);
  }
  if (json) process.stdout.write(`${JSON.stringify({ ...result, loadAverage: loadavg()[0] })}\n`);
}

async function measure(kind: EngineKind, { affinity, prompts, thinkMs }: Case): Promise<Figures> {
  const program = join(__dirname, "programs/caching-replica.ts");
  const replicas = Array.from({ length: REPLICAS }, () => startProgram(program, [String(CACHE_ENTRIES)]));
  const engine = await startEngine(kind);
  try {
    const members = [];
    for (const [at, replica] of replicas.entries())
      members.push({ id: `replica-${at}`, host: "127.0.0.1", port: Number(await replica.line()) });
    await engine.plane.apply(primaryOnly(members, { affinity }));
    const { port } = (await engine.plane.observe()).endpoint!;
    const args = [port, CLIENTS, prompts, thinkMs, WARM_UP_MS, MEASURED_MS].map(String);
    const load = startProgram(join(__dirname, "programs/conversations.ts"), args);
    try {
      return figuresOf(JSON.parse(await load.line()) as Said);
    } finally {
      await load.stop();
    }
  } finally {
    await engine.stop();
    for (const replica of replicas) await replica.stop();
  }
}

interface Said {
  requests: number;
  failed: number;
  hits: number;
  p50Ms: number;
  p95Ms: number;
}

function figuresOf({ requests, failed, hits, p50Ms, p95Ms }: Said): Figures {
  const round = (value: number): number => Number(value.toFixed(2));
  return {
    requestsPerSecond: round((requests * 1000) / MEASURED_MS),
    failed,
    hitRate: round(hits / requests),
    firstByteP50Ms: round(p50Ms),
    firstByteP95Ms: round(p95Ms),
  };
}
