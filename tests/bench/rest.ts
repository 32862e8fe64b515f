import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { LiveService } from "../agent/live-service";
import { ownStateHome, redeclared } from "../controller/stored-service";
import { redeclare } from "../simulation/intents";
import { removeFolders } from "../store/folders";
import { processorTime } from "./process";

const REPLICAS = 10;
const SECONDS = 300;
const SAMPLE_SECONDS = 10;
/** Until then the agent still notes that replicas have proven themselves, and compilers still compile. */
const SETTLE_SECONDS = 90;
/** The default of `readiness.intervalSeconds`: how often the agent probes every replica. */
const PROBE_SECONDS = 2;
const BAR = { rssMB: 150, cpuPercentOfACore: 1 };

interface Used {
  /** The most that was seen. */
  rssMB: number;
  cpuPercentOfACore: number;
}

/** What agent and balancer take of the computer while nothing happens: real processes, real replicas, no requests. */
export async function benchRest(json: boolean): Promise<void> {
  const restore = ownStateHome();
  const service = await LiveService.deploy("rest", { replicas: REPLICAS });
  try {
    await service.untilServes("a", REPLICAS, 120);
    await redeclared(service.store, (intent) => {
      const { declared } = intent.pools["p"]!;
      declared.readiness.intervalSeconds = PROBE_SECONDS;
      redeclare(intent, [{ ...declared, specHash: `${declared.specHash}/slower` }]);
    });
    await sleep(SETTLE_SECONDS * 1000);
    const pids = { agent: await service.agentPid(), dataPlane: await service.dataPlanePid() };
    report(await watch(pids), json);
  } finally {
    await service.destroy();
    restore();
    removeFolders();
  }
}

async function watch(pids: Record<"agent" | "dataPlane", number>): Promise<Record<"agent" | "dataPlane", Used>> {
  const before = { agent: processorTime(pids.agent)!, dataPlane: processorTime(pids.dataPlane)! };
  const began = performance.now();
  const most = { agent: 0, dataPlane: 0 };
  while (performance.now() - began < SECONDS * 1000) {
    await sleep(SAMPLE_SECONDS * 1000);
    for (const name of ["agent", "dataPlane"] as const) most[name] = Math.max(most[name], residentMB(pids[name]));
  }
  const microseconds = (performance.now() - began) * 1000;
  const used = (name: "agent" | "dataPlane"): Used => ({
    rssMB: round(most[name]),
    cpuPercentOfACore: round((100 * (processorTime(pids[name])! - before[name])) / microseconds),
  });
  return { agent: used("agent"), dataPlane: used("dataPlane") };
}

function report({ agent, dataPlane }: Record<"agent" | "dataPlane", Used>, json: boolean): void {
  const together = {
    rssMB: round(agent.rssMB + dataPlane.rssMB),
    cpuPercentOfACore: round(agent.cpuPercentOfACore + dataPlane.cpuPercentOfACore),
  };
  // On a busy computer each process also takes longer for what it does: its caches are others' between two ticks.
  const result = {
    replicas: REPLICAS,
    seconds: SECONDS,
    agent,
    dataPlane,
    together,
    bar: BAR,
    loadAverage: loadavg()[0],
  };
  if (json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  for (const [name, used] of Object.entries({ agent, "data plane": dataPlane, together, "at most": BAR })) {
    process.stdout.write(
      `${name.padEnd(10)} ${used.rssMB.toFixed(1).padStart(7)} MB resident ${used.cpuPercentOfACore.toFixed(2).padStart(6)} % of a core\n`,
    );
  }
}

function residentMB(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1];
  return Number(kilobytes) / 1024;
}

function round(value: number): number {
  return Number(value.toFixed(2));
}
