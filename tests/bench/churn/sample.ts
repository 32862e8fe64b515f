import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { allowedEnvironment, spawnDetached } from "../../../provider/host/child";
import type { EngineKind } from "../../../provider/core/spec/pool";
import { filesOf, workerFolder } from "../../../provider/dataplane/haproxy/worker-files";
import { readRecords } from "../../../provider/dataplane/haproxy/worker-records";
import { serversOf } from "../../../provider/dataplane/haproxy/membership";
import { Runtime } from "../../../provider/dataplane/haproxy/runtime";
import { compiled } from "../../agent/compiled";
import type { ProcessUnderTest } from "../../dataplane/support/engine-process";
import { until } from "../../dataplane/support/until";

const SETTLES_WITHIN_MS = 3000;
const LOOK_AGAIN_MS = 200;

/** What is left when nothing is under way. */
export interface Sample {
  hour: number;
  /** After a collection of garbage. */
  heapMB: number;
  rssMB: number;
  fileDescriptors: number;
  sockets: number;
  timers: number;
  /** By the name of each class of the embedded engine, which is also HAProxy's waiting room. */
  objects: Record<string, number>;
  haproxy: HaproxySample | null;
}

export interface HaproxySample {
  processes: number;
  rssMB: number;
  fileDescriptors: number;
  servers: number;
  mapEntries: number;
  tableEntries: number;
  files: number;
}

/** Starts a data plane that can be asked what it holds. */
export function startProbed(probe: string): (folder: string, kind?: EngineKind) => number {
  return (folder, kind = "embedded") =>
    spawnDetached({
      command: process.execPath,
      args: ["--expose-gc", "-r", probe, compiled("provider/dataplane/main.js"), folder, kind],
      env: {
        ...allowedEnvironment(),
        PROBE_FILE: probeFile(folder),
        PROBE_FOLDER: dirname(compiled("provider/dataplane/embedded/engine.js")),
      },
      logFile: join(folder, "dataplane.log"),
    });
}

/** `routed`: how many replicas there are. What still closes when nothing is under way is given its time. */
export async function sample(
  hour: number,
  kind: EngineKind,
  routed: number,
  { pid, folder }: ProcessUnderTest,
): Promise<Sample> {
  const giveUpAt = performance.now() + SETTLES_WITHIN_MS;
  let left = await probe(pid, folder);
  while (left.objects["Member"]! > routed && performance.now() < giveUpAt) {
    await sleep(LOOK_AGAIN_MS);
    left = await probe(pid, folder);
  }
  const open = descriptorsOf(pid);
  return {
    hour,
    heapMB: megabytes(left.heapBytes),
    rssMB: rssOf(pid),
    fileDescriptors: open.length,
    sockets: open.filter((target) => target.startsWith("socket:")).length,
    timers: left.timers,
    objects: left.objects,
    haproxy: kind === "haproxy" ? await sampleHaproxy(folder) : null,
  };
}

interface Left extends Pick<Sample, "objects" | "timers"> {
  heapBytes: number;
}

async function probe(pid: number, folder: string): Promise<Left> {
  rmSync(probeFile(folder), { force: true });
  process.kill(pid, "SIGUSR2");
  await until("the data plane tells what it holds", () => existsSync(probeFile(folder)));
  return JSON.parse(readFileSync(probeFile(folder), "utf8")) as Left;
}

/** Processes that are being replaced end when their last client has gone. */
export function haproxyProcesses(folder: string): number {
  return readRecords(folder).workers.length;
}

/** Replicas that the HAProxy which takes connections has; null without one. */
export async function haproxyServers(folder: string): Promise<number | null> {
  const [serving] = readRecords(folder).workers;
  return serving === undefined ? null : (await serversOf(new Runtime(filesOf(folder, serving.number).runtime))).length;
}

async function sampleHaproxy(folder: string): Promise<HaproxySample> {
  const [serving] = readRecords(folder).workers;
  const files = filesOf(folder, serving!.number);
  const runtime = new Runtime(files.runtime);
  const lines = async (command: string, which: RegExp): Promise<number> =>
    (await runtime.ask(command)).split("\n").filter((line) => which.test(line)).length;
  let mapEntries = 0;
  for (const map of [files.splitMap, files.pinsMap, files.keepersMap])
    mapEntries += await lines(`show map ${map}`, /^0x/);
  let tableEntries = 0;
  for (const table of ["turns", "keepers"]) tableEntries += await lines(`show table ${table}`, /^0x/);
  return {
    processes: haproxyProcesses(folder),
    rssMB: rssOf(serving!.pid),
    fileDescriptors: descriptorsOf(serving!.pid).length,
    servers: (await serversOf(runtime)).length,
    mapEntries,
    tableEntries,
    files: readdirSync(workerFolder(folder)).length,
  };
}

function descriptorsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      return readlinkSync(join(folder, name));
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

function rssOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1];
  return megabytes(Number(kilobytes) * 1024);
}

function megabytes(bytes: number): number {
  return Number((bytes / 2 ** 20).toFixed(2));
}

function probeFile(folder: string): string {
  return join(folder, "probe.json");
}
