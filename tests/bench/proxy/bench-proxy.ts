import { startBackends } from "./backends";
import type { Contender, Start } from "./contender";
import { direct } from "./contenders/direct";
import { embedded } from "./contenders/embedded";
import { haproxy } from "./contenders/haproxy";
import { nginx } from "./contenders/nginx";
import { rayServe, rayServeHaproxy } from "./contenders/ray-serve";
import { skyserve } from "./contenders/skyserve";
import { undici } from "./contenders/undici";
import { Measured } from "./measured";
import { printJson, printTables } from "./report";
import { slice, undisturbedSlice } from "./slice";
import { REQUESTS, STREAMS, type Workload } from "./workloads";

/** Slices in turn, so that whatever else the computer does hits all of them alike. */
const IN_TURN: readonly Start[] = [direct, embedded, undici, haproxy, nginx, skyserve];
/** Each brings a dozen processes that are never quite idle: measured when the others have ended. */
const APART: readonly Start[] = [rayServe, rayServeHaproxy];
const ROUNDS_APART = 3;

/** Until then an engine that compiles at run time is still compiling; on a busy computer this takes its time. */
const WARM_UP_REQUESTS = 60_000;
const WARM_UP_MS = 20_000;

/**
 * The embedded proxy against what users would otherwise have: undici's dispatch behind http.Server, HAProxy with one thread,
 * nginx with one worker, SkyServe's own balancer, and Ray Serve with its own proxy and with its HAProxy. Same backends, same load. What is not on this computer
 * and cannot be installed is named and left out.
 */
export async function benchProxy(json: boolean): Promise<void> {
  const measured = new Measured();
  await onBackends("answers", REQUESTS, measured);
  await onBackends("events", STREAMS, measured);
  if (json) printJson(measured);
  else printTables(measured);
}

async function onBackends(
  kind: "answers" | "events",
  workloads: readonly Workload[],
  measured: Measured,
): Promise<void> {
  const backends = await startBackends(kind);
  try {
    const pids = [process.pid, ...backends.pids];
    const run = (starts: readonly Start[], most: number): Promise<void> =>
      withContenders(starts, backends.ports, measured, async (contenders) => {
        const ours = [...pids, ...contenders.flatMap((contender) => contender.pids ?? [])];
        for (const contender of contenders) await warmUp(contender, ours);
        for (const workload of workloads) {
          measured.madeBy(workload.name, { clients: workload.load.by, backends: backends.by });
          await inTurn(contenders, workload, Math.min(most, workload.rounds), ours, measured);
        }
      });
    await run(IN_TURN, Infinity);
    for (const start of APART) await run([start], ROUNDS_APART);
  } finally {
    await backends.stop();
  }
}

async function withContenders(
  starts: readonly Start[],
  ports: readonly number[],
  measured: Measured,
  run: (contenders: readonly Contender[]) => Promise<void>,
): Promise<void> {
  const contenders: Contender[] = [];
  try {
    for (const start of starts) {
      const started = await start(ports);
      if ("unavailable" in started) measured.leaveOut(started.name, started.unavailable);
      else contenders.push(started);
    }
    await run(contenders);
  } finally {
    for (const contender of contenders) await contender.stop();
  }
}

async function warmUp(contender: Contender, ours: readonly number[]): Promise<void> {
  const over = performance.now() + WARM_UP_MS;
  const workload = { ...REQUESTS[0]!, milliseconds: 1000 };
  for (let sent = 0; sent < WARM_UP_REQUESTS && performance.now() < over;) {
    sent += (await slice(contender, workload, ours)).perSecond;
  }
}

async function inTurn(
  contenders: readonly Contender[],
  workload: Workload,
  rounds: number,
  ours: readonly number[],
  measured: Measured,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    // Each round begins with another one, so that none always runs in the wake of the same neighbour.
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const contender = contenders[(round + turn) % contenders.length]!;
      measured.add(workload.name, contender.name, await undisturbedSlice(contender, workload, ours));
    }
  }
}
