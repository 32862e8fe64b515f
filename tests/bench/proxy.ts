import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { startDataPlane } from "../../provider/dataplane/client";
import { startEngine } from "../dataplane/support/engine-process";
import { primaryOnly } from "../dataplane/support/routing";
import { until } from "../dataplane/support/until";
import { ask } from "../dataplane/support/client";
import { processorTime, start, startProgram, type BenchProcess } from "./process";

const CLIENTS = 64;
/** Until then the engine that compiles at run time is still compiling; on a busy computer this takes its time. */
const WARM_UP_REQUESTS = 60_000;
const WARM_UP_MS = 20_000;
const SLICE_MS = 1000;
const ROUNDS = 11;

interface Contender {
  name: "embedded" | "undici" | "haproxy";
  port: number;
  pid: number;
  stop(): Promise<void>;
}

interface Measured {
  reqPerSec: number[];
  cpuMicrosPerRequest: number[];
  failed: number;
}

/**
 * The embedded proxy against undici's dispatch behind http.Server and against HAProxy with one thread: same backends, same
 * load, slices in turn, so that whatever else the computer does hits all of them alike.
 */
export async function benchProxy(json: boolean): Promise<void> {
  const backends = [
    startProgram(join(__dirname, "engines", "backend.ts")),
    startProgram(join(__dirname, "engines", "backend.ts")),
  ];
  const contenders: Contender[] = [];
  try {
    const ports: number[] = [];
    for (const backend of backends) ports.push(Number(await backend.line()));
    contenders.push(await embedded(ports), await undici(ports));
    if (hasHaproxy()) contenders.push(await haproxy(ports));
    else process.stderr.write("haproxy is not on PATH: its column is skipped (apt-get install haproxy)\n");
    report(await measure(contenders), json);
  } finally {
    for (const contender of contenders) await contender.stop();
    for (const backend of backends) await backend.stop();
  }
}

async function measure(contenders: Contender[]): Promise<Map<Contender["name"], Measured>> {
  const measured = new Map<Contender["name"], Measured>();
  for (const contender of contenders) {
    measured.set(contender.name, { reqPerSec: [], cpuMicrosPerRequest: [], failed: 0 });
    await warmUp(contender);
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    // Each round begins with another one, so that none always runs in the wake of the same neighbour.
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const contender = contenders[(round + turn) % contenders.length]!;
      const sums = measured.get(contender.name)!;
      const { requests, failed, cpuMicros } = await slice(contender, SLICE_MS);
      sums.reqPerSec.push((requests * 1000) / SLICE_MS);
      if (cpuMicros !== null) sums.cpuMicrosPerRequest.push(cpuMicros / requests);
      sums.failed += failed;
    }
  }
  return measured;
}

async function warmUp(contender: Contender): Promise<void> {
  const until = performance.now() + WARM_UP_MS;
  for (let sent = 0; sent < WARM_UP_REQUESTS && performance.now() < until;)
    sent += (await slice(contender, SLICE_MS)).requests;
}

async function slice(
  { port, pid }: Contender,
  milliseconds: number,
): Promise<{ requests: number; failed: number; cpuMicros: number | null }> {
  const before = processorTime(pid);
  const load = startProgram(join(__dirname, "engines", "load.ts"), [
    String(port),
    String(CLIENTS),
    String(milliseconds),
  ]);
  try {
    const { requests, failed } = JSON.parse(await load.line()) as { requests: number; failed: number };
    const after = processorTime(pid);
    return { requests, failed, cpuMicros: before === null || after === null ? null : after - before };
  } finally {
    await load.stop();
  }
}

function report(measured: Map<Contender["name"], Measured>, json: boolean): void {
  const median = (name: Contender["name"], what: "reqPerSec" | "cpuMicrosPerRequest"): number | null =>
    medianOf(measured.get(name)?.[what] ?? []);
  // Of slices that ran next to each other: on a busy computer the rounds differ by more than the contenders do.
  const ratio = (other: Contender["name"], what: "reqPerSec" | "cpuMicrosPerRequest"): number | null => {
    const [ours, theirs] = [measured.get("embedded")![what], measured.get(other)?.[what] ?? []];
    const median = medianOf(theirs.map((value, round) => ours[round]! / value));
    return median === null ? null : Number(median.toFixed(3));
  };
  const names = [...measured.keys()];
  const of = (what: "reqPerSec" | "cpuMicrosPerRequest"): Record<string, number | null> =>
    Object.fromEntries(names.map((name) => [name, round(median(name, what))]));
  const result = {
    reqPerSec: of("reqPerSec"),
    cpuMicrosPerRequest: of("cpuMicrosPerRequest"),
    failed: Object.fromEntries(names.map((name) => [name, measured.get(name)!.failed])),
    ratioToUndici: ratio("undici", "reqPerSec"),
    ratioToHaproxy: ratio("haproxy", "reqPerSec"),
    // Steadier than requests a second, because it does not depend on what else runs; below 1 is less than theirs.
    cpuRatioToUndici: ratio("undici", "cpuMicrosPerRequest"),
    cpuRatioToHaproxy: ratio("haproxy", "cpuMicrosPerRequest"),
    // All of the computer's processes together; far above the number of cores, requests a second say little.
    loadAverage: round(loadavg()[0]!),
  };
  if (json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  for (const name of names) {
    process.stdout.write(
      `${name.padEnd(10)}${String(result.reqPerSec[name]).padStart(8)} req/s${String(result.cpuMicrosPerRequest[name]).padStart(8)} us of CPU a request\n`,
    );
  }
  process.stdout.write(
    `ratio to undici ${result.ratioToUndici}, to haproxy ${result.ratioToHaproxy ?? "not measured"}\n`,
  );
}

async function embedded(ports: number[]): Promise<Contender> {
  const engine = await startEngine("embedded", undefined, await builtStart());
  const replicas = ports.map((port, at) => ({ id: `backend-${at}`, host: "127.0.0.1", port }));
  const desired = primaryOnly(replicas, { policy: "roundRobin" });
  // The backend answers everything with 1 KB, its health check too; it must not be asked often.
  desired.routes[0]!.readiness.intervalSeconds = 60;
  await engine.plane.apply(desired);
  const { endpoint } = await engine.plane.observe();
  return { name: "embedded", port: endpoint!.port, pid: engine.pid, stop: () => engine.stop() };
}

/** The built package, as it is used; only without a build the sources. */
async function builtStart(): Promise<typeof startDataPlane> {
  const built = join(__dirname, "../../dist/provider/dataplane/client.js");
  if (existsSync(built)) return ((await import(built)) as { startDataPlane: typeof startDataPlane }).startDataPlane;
  process.stderr.write("there is no build in dist: the embedded proxy runs from its sources, which is slower\n");
  return startDataPlane;
}

async function undici(ports: number[]): Promise<Contender> {
  const proxy = startProgram(join(__dirname, "engines", "undici.ts"), ports.map(String));
  return { name: "undici", port: Number(await proxy.line()), pid: proxy.pid, stop: () => proxy.stop() };
}

async function haproxy(ports: number[]): Promise<Contender> {
  const folder = mkdtempSync(join(tmpdir(), "bench-haproxy-"));
  const port = await freePort();
  writeFileSync(
    join(folder, "haproxy.cfg"),
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option http-no-delay
  option forwardfor
  timeout connect 3s
  timeout client 60s
  timeout server 60s
  retries 3
  option redispatch 1
frontend front
  bind 127.0.0.1:${port}
  default_backend replicas
backend replicas
  balance roundrobin
  http-reuse always
${ports.map((backend, at) => `  server backend-${at} 127.0.0.1:${backend}`).join("\n")}
`,
  );
  const proxy: BenchProcess = start("haproxy", ["-db", "-f", join(folder, "haproxy.cfg")]);
  await until("haproxy listens", () =>
    ask(port).then(
      () => true,
      () => false,
    ),
  );
  return {
    name: "haproxy",
    port,
    pid: proxy.pid,
    stop: async () => {
      await proxy.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function hasHaproxy(): boolean {
  try {
    execFileSync("haproxy", ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function medianOf(values: number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

function round(value: number | null): number | null {
  return value === null ? null : Number(value.toFixed(1));
}
