import { loadavg } from "node:os";
import { join } from "node:path";
import type { EngineKind } from "../../../provider/core/spec/pool";
import { makeKeyPair } from "../../dataplane/support/certificate";
import { startEngine } from "../../dataplane/support/engine-process";
import { engines } from "../engines";
import { compile, startProgram } from "../process";
import { Day, HOURLY, TOKEN } from "./day";
import { Fleet } from "./fleet";
import { sample, startProbed, type Sample } from "./sample";
import { findingsOf } from "./verdict";

const HOURS = 24;
/** It is looked at when nothing is under way, which takes the clients away for a moment. */
const HOURS_TO_A_LOOK = 4;
const CLIENTS = 16;

interface Counted {
  requests: number;
  failed: number;
  streams: number;
  streamsCut: number;
  aborted: number;
}

interface Result extends Counted {
  seconds: number;
  samples: Sample[];
  /** Of what is left after each look, per simulated day. */
  heapMBPerDay: number;
  findings: string[];
}

/**
 * A day of a lively service in about two minutes, on each engine: replicas come, drain, leave and die, versions follow each
 * other, tokens, certificates, limits and pools change, while clients send requests and streams over TLS and go away in the
 * middle. Afterwards nothing of it may be left. Fails when something is.
 */
export async function benchChurn(json: boolean): Promise<void> {
  const result: Partial<Record<EngineKind, Result>> = {};
  for (const kind of engines()) {
    const each = (result[kind] = await live(kind));
    if (each.findings.length > 0) process.exitCode = 1;
    if (!json) print(kind, each);
  }
  if (json) process.stdout.write(`${JSON.stringify({ hourly: HOURLY, ...result, loadAverage: loadavg()[0] })}\n`);
}

async function live(kind: EngineKind): Promise<Result> {
  const probe = compile(join(__dirname, "programs/probe.ts"));
  const engine = await startEngine(kind, undefined, startProbed(probe.compiled));
  const fleet = await Fleet.start();
  const began = performance.now();
  const counted: Counted = { requests: 0, failed: 0, streams: 0, streamsCut: 0, aborted: 0 };
  const samples: Sample[] = [];
  try {
    const keyPairs = ["one", "two", "three"].map((name) => makeKeyPair(name));
    const day = new Day(engine, fleet, keyPairs);
    const port = await day.begin();
    let routed = 0;
    for (let hour = HOURS_TO_A_LOOK; hour <= HOURS; hour += HOURS_TO_A_LOOK) {
      await underLoad(port, counted, async () => {
        for (let each = 0; each < HOURS_TO_A_LOOK; each += 1) await day.nextHour();
      });
      await day.rest();
      routed = day.routed;
      samples.push(await sample(hour, kind, routed, engine));
    }
    return {
      ...counted,
      seconds: Math.round((performance.now() - began) / 1000),
      samples,
      heapMBPerDay: Number((slope(samples.map(({ hour, heapMB }) => [hour, heapMB])) * HOURS).toFixed(2)),
      findings: findingsOf(samples, { failed: counted.failed, routed, clients: CLIENTS }),
    };
  } finally {
    await engine.stop();
    await fleet.stop();
    probe.remove();
  }
}

async function underLoad(port: number, counted: Counted, run: () => Promise<void>): Promise<void> {
  const args = [port, CLIENTS, TOKEN].map(String);
  const load = startProgram(join(__dirname, "programs/clients.ts"), args);
  try {
    await run();
    void load.end();
    const said = JSON.parse(await load.line()) as Counted;
    for (const name of Object.keys(counted) as (keyof Counted)[]) counted[name] += said[name];
  } finally {
    await load.stop();
  }
}

/** By least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (of: readonly number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;
  const [x, y] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const along = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0);
  return along / points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
}

function print(kind: EngineKind, { samples, findings, ...figures }: Result): void {
  process.stdout.write(`\n${kind}: ${JSON.stringify(figures)}\n`);
  console.table(
    samples.map(({ objects, haproxy, ...rest }) => ({
      ...rest,
      ...Object.fromEntries(Object.entries(objects).filter(([, count]) => count > 0)),
      ...Object.fromEntries(Object.entries(haproxy ?? {}).map(([name, value]) => [`haproxy ${name}`, value as number])),
    })),
  );
  for (const finding of findings) process.stdout.write(`NOT WELL: ${finding}\n`);
}
