import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, openSync, closeSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sentenceOf, ServeError } from "../../core/errors";
import type { DesiredRouting } from "../../core/routing";
import type { KeyPair } from "../../core/spec/tls-input";
import { allowedEnvironment } from "../../host/child";
import { isAlive, startTimeOf } from "../../host/process-identity";
import { Pulse } from "../../host/pulse";
import { signalProcess } from "../../host/signal";
import { renderConfig, shapeOf } from "./config";
import { putKeyPair, renderKeyPair } from "./key-pair";
import { aroundBackends, mapsOf, putMaps, readMaps, renderMap, slotsOf, type Maps } from "./maps";
import { bringIn, membershipOf, remove, sendOut, weighAnew, type Server } from "./membership";
import { backendName, FRONTEND, SLOTS } from "./names";
import { assignSlots, noSlots, type Slots } from "./pool-maps";
import { LogReader, type LogLine } from "./log-lines";
import { Runtime } from "./runtime";
import { putTokens, renderTokens } from "./tokens";
import { trafficOf, type Traffic } from "./traffic";
import { filesOf, removeFilesOf, workerFolder, type WorkerFiles } from "./worker-files";

const START_TAKES_MS = 10_000;
const LOOK_EVERY_MS = 10;
/** Where a HAProxy finds the listener that it is given. */
const GIVEN_FD = 3;
/** In `show fd`: a connection of a client for which there still is something to be sent. */
const UNSENT = new RegExp(` fe=${FRONTEND} .*\\.obuf=[1-9]`, "g");

/** What a successor of the supervisor needs to go on with a HAProxy that outlived it. */
export interface WorkerRecord {
  number: number;
  pid: number;
  startTime: string;
  shape: string;
  /** Its listener was given to it, and so it cannot pass it on. Absent in what older packages wrote: no. */
  givenListener?: boolean;
  /** Names of the pools; their place is their number in the configuration. */
  pools: string[];
}

/** Where its listener comes from: taken over, so that nobody who is just connecting is lost, or opened by itself. */
export type ListenerSource =
  | { kind: "own" }
  /** A HAProxy that opened its listener itself; one that was given its listener cannot pass it on. */
  | { kind: "worker"; worker: Worker }
  | { kind: "handle"; fd: number };

/** One routing, by what machines carry and by what their replicas get at this moment. */
export interface Routings {
  desired: DesiredRouting;
  weighed: DesiredRouting;
}

export interface StartOptions {
  binary: string;
  serviceFolder: string;
  number: number;
  routing: Routings;
  /** Null: clients speak in clear. */
  keyPair: KeyPair | null;
  address: string;
  listener: ListenerSource;
  /** Called as soon as there is a process: whoever comes after us must find it, even if we are killed before it answers. */
  onSpawned(record: WorkerRecord): void;
  onLine: OnLine;
}

/** Gets what the log of a HAProxy tells of each request. */
export type OnLine = (line: LogLine, of: WorkerRecord) => void;

/**
 * One HAProxy process. What can be changed while it runs is changed through its Runtime API; for anything else a successor
 * is started, which takes its listener over, and it ends with its last connection.
 */
export class Worker {
  private slots: Slots[];
  private lastTraffic: Traffic = { clients: 0, servers: [], queued: new Map() };
  private leavers: Server[] = [];
  private retired = false;
  private readonly log: LogReader;
  private readonly pulse: Pulse;

  private constructor(
    readonly record: WorkerRecord,
    readonly runtime: Runtime,
    private readonly files: WorkerFiles,
    private readonly serviceFolder: string,
    slots: Slots[],
    onLine: OnLine,
    from: "start" | "now",
  ) {
    this.slots = slots;
    this.log = new LogReader(files.runtime, (line) => onLine(line, record), from);
    this.pulse = new Pulse({
      heard: () => runtime.heard,
      ask: () => void runtime.ask("show info").catch(() => undefined),
      onHung: (seconds) => this.endHung(seconds),
    });
  }

  static async start(options: StartOptions): Promise<Worker> {
    const { binary, serviceFolder, number, keyPair, address, listener } = options;
    const { desired, weighed } = options.routing;
    const folder = workerFolder(serviceFolder);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const files = filesOf(serviceFolder, number);
    const slots = desired.routes.map((route) => assignSlots(noSlots(), route));
    const bound = listener.kind === "handle" ? `fd@${GIVEN_FD}` : address;
    if (keyPair !== null) replace(folder, files.keyPair, renderKeyPair(keyPair));
    render(folder, files, weighed, bound, slots, mapsOf(desired, slots, new Map()));
    const args = [
      "-db",
      "-f",
      files.config,
      ...(listener.kind === "worker" ? ["-x", listener.worker.runtime.path] : []),
    ];
    const log = openSync(join(serviceFolder, "dataplane.log"), "a", 0o600);
    let child: ChildProcess;
    try {
      // Detached: a supervisor that is killed must not take the traffic with it.
      child = spawn(binary, args, {
        cwd: folder,
        detached: true,
        // The last one is GIVEN_FD.
        stdio: ["ignore", log, log, ...(listener.kind === "handle" ? [listener.fd] : [])],
        env: allowedEnvironment(),
      });
    } finally {
      closeSync(log);
    }
    child.on("error", () => undefined);
    child.unref();
    const runtime = new Runtime(files.runtime);
    const record = child.pid === undefined ? null : recordOf(child.pid, options);
    if (record !== null) options.onSpawned(record);
    if (record === null || !(await answersAs(record.pid, child, runtime))) {
      child.kill("SIGKILL");
      removeFilesOf(serviceFolder, number);
      throw new ServeError({
        code: "DataPlaneUnreachable",
        scope: "dataplane",
        retryable: true,
        reasons: [`HAProxy did not start: see ${serviceFolder}/dataplane.log for its own words.`],
      });
    }
    return new Worker(record, runtime, files, serviceFolder, slots, options.onLine, "start");
  }

  /** A process that a predecessor of this supervisor started; null: it has gone, is another one by now, or was of no use. */
  static async adopt(
    record: WorkerRecord,
    serviceFolder: string,
    as: "current" | "ending",
    onLine: OnLine,
  ): Promise<Worker | null> {
    if (!isAlive(record)) return null;
    const files = filesOf(serviceFolder, record.number);
    const runtime = new Runtime(files.runtime);
    try {
      await runtime.expect("show info", new RegExp(`^Pid: ${record.pid}$`, "m"));
      const { pins } = await readMaps(runtime, files);
      const slots = slotsOf(pins, record.pools.length);
      // From now: our counts begin at 0, and most of what its log still holds was counted by the predecessor.
      const worker = new Worker(record, runtime, files, serviceFolder, slots, onLine, "now");
      worker.retired = as === "ending";
      return worker;
    } catch (error) {
      // It hangs, most likely. Left alone, it would hold the port and the clients that come to it for ever.
      process.stderr.write(`HAProxy process ${record.pid} is ended: ${sentenceOf(error)}\n`);
      signalProcess(record, "SIGKILL");
      return null;
    }
  }

  get isAlive(): boolean {
    return isAlive(this.record);
  }

  /** Puts members and weights in force; the pools must be those that it was started with, or some of them be gone. */
  async put({ desired, weighed }: Routings, address: string, keyPair: KeyPair | null): Promise<void> {
    const own = this.ownPart(weighed);
    const before = this.slots;
    const slots = own.routes.map((route, pool) => assignSlots(before[pool]!, route));
    const members = membershipOf(own, slots);
    const maps = mapsOf(this.ownPart(desired), slots, (await readMaps(this.runtime, this.files)).split);
    const given = reassigned(before, slots);
    if (given.size > 0) {
      // Another revision moves into a backend: its requests must not meet those who are leaving, nor theirs the new ones.
      await putMaps(this.runtime, this.files, aroundBackends(maps, given));
      this.leavers = await sendOut(this.runtime, members);
    }
    if (desired.balancer.tokens !== undefined) await putTokens(this.runtime, this.files.tokens, desired.balancer);
    if (keyPair !== null && !this.retired) await this.putKeyPair(keyPair);
    await bringIn(this.runtime, own, members, this.retired ? "unchecked" : "checked");
    await putMaps(this.runtime, this.files, maps);
    this.slots = slots;
    this.leavers = await sendOut(this.runtime, members);
    if (!this.retired) render(workerFolder(this.serviceFolder), this.files, own, address, slots, maps);
  }

  /** Of the routing that is in force, other weights. */
  weigh(weighed: DesiredRouting): Promise<void> {
    return weighAnew(this.runtime, membershipOf(this.ownPart(weighed), this.slots));
  }

  private ownPart(desired: DesiredRouting): DesiredRouting {
    const known = this.record.pools.map((pool) => desired.routes.find((route) => route.pool === pool));
    return { ...desired, routes: known.map((route, at) => route ?? gone(this.record.pools[at]!)) };
  }

  /** In force before it is written down: a supervisor that is killed in between finds that it is to be done again. */
  private async putKeyPair(keyPair: KeyPair): Promise<void> {
    const folder = workerFolder(this.serviceFolder);
    const content = renderKeyPair(keyPair);
    if (readFileSync(join(folder, this.files.keyPair), "utf8") === content) return;
    await putKeyPair(this.runtime, this.files.keyPair, keyPair);
    replace(folder, this.files.keyPair, content);
  }

  /** Nothing new from outside; what runs goes on, and every client is asked to connect anew with its next answer. */
  async retire(): Promise<void> {
    this.retired = true;
    await this.runtime.order(`shutdown frontend ${FRONTEND}`);
  }

  async look(): Promise<Traffic> {
    this.lastTraffic = await trafficOf(this.runtime);
    return this.lastTraffic;
  }

  /** Requests of clients whose answer has not gone out to its last byte; a replica may long be done with it. */
  async requests(): Promise<number> {
    const sessions = await this.runtime.ask("show sess");
    const running = sessions.split(`fe=${FRONTEND} `).length - 1;
    if (running > 0) return running;
    // The rest of an answer, up to a whole buffer, outlives its session: only the client's connection knows of it.
    const connections = await this.runtime.ask("show fd");
    return connections.match(UNSENT)?.length ?? 0;
  }

  /** The last look, for when the process has gone. */
  get seen(): Traffic {
    return this.lastTraffic;
  }

  get hasLeavers(): boolean {
    return this.leavers.length > 0;
  }

  /** Takes away those who have drained. */
  async removeDrained(): Promise<void> {
    const { servers } = await this.look();
    const busy = new Set(
      servers.filter(({ inFlight }) => inFlight > 0).map(({ backend, name }) => `${backend}/${name}`),
    );
    const staying: Server[] = [];
    for (const server of this.leavers) {
      if (busy.has(`${server.backend}/${server.name}`) || !(await remove(this.runtime, server))) staying.push(server);
    }
    this.leavers = staying;
  }

  /** Ends it, running requests or not. */
  async end(): Promise<void> {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      if (!this.isAlive) break;
      signalProcess(this.record, signal);
      const giveUpAt = performance.now() + 2000;
      while (this.isAlive && performance.now() < giveUpAt) await sleep(LOOK_EVERY_MS);
    }
    this.removeFiles();
  }

  /** Its supervisor sees that it has gone, and starts another one. */
  private endHung(seconds: number): void {
    if (!this.isAlive) return;
    process.stderr.write(`HAProxy process ${this.record.pid} has not answered for ${seconds} s and is ended\n`);
    signalProcess(this.record, "SIGKILL");
  }

  /** Of one that has ended. */
  removeFiles(): void {
    this.pulse.stop();
    this.log.close();
    removeFilesOf(this.serviceFolder, this.record.number);
  }
}

function recordOf(pid: number, { number, routing: { desired }, address, listener }: StartOptions): WorkerRecord {
  const startTime = startTimeOf(pid) ?? "unknown";
  const pools = desired.routes.map(({ pool }) => pool);
  return { number, pid, startTime, shape: shapeOf(desired, address), pools, givenListener: listener.kind === "handle" };
}

/** What a HAProxy that starts now would begin with: it must be the truth at any moment. */
function render(
  folder: string,
  files: WorkerFiles,
  desired: DesiredRouting,
  address: string,
  slots: readonly Slots[],
  maps: Maps,
): void {
  replace(folder, files.splitMap, renderMap(maps.split));
  replace(folder, files.pinsMap, renderMap(maps.pins));
  replace(folder, files.keepersMap, renderMap(maps.keepers));
  replace(folder, files.tokens, renderTokens(desired.balancer));
  replace(folder, files.config, renderConfig(desired, address, membershipOf(desired, slots), files));
}

/** At no moment is half of it there. */
function replace(folder: string, name: string, content: string): void {
  writeFileSync(join(folder, `${name}.new`), content, { mode: 0o600 });
  renameSync(join(folder, `${name}.new`), join(folder, name));
}

/** The backends that hold another revision than before. */
function reassigned(before: readonly Slots[], slots: readonly Slots[]): Set<string> {
  const given = new Set<string>();
  slots.forEach((now, pool) => {
    for (const slot of SLOTS) {
      const [then, next] = [before[pool]![slot], now[slot]];
      if (then !== null && next !== null && then !== next) given.add(backendName(pool, slot));
    }
  });
  return given;
}

/** A pool that is no longer routed: its replicas leave, and whoever still asks for it is told in the waiting room. */
function gone(pool: string): DesiredRouting["routes"][number] {
  const readiness: DesiredRouting["routes"][number]["readiness"] = {
    path: "/",
    startupGraceSeconds: 0,
    intervalSeconds: 1,
    timeoutSeconds: 1,
    successThreshold: 1,
    failureThreshold: 1,
    method: "GET",
    requestSecret: null,
  };
  return { prefix: "/", pool, readiness, primary: null, canary: null, draining: [] };
}

async function answersAs(pid: number, child: ChildProcess, runtime: Runtime): Promise<boolean> {
  const giveUpAt = performance.now() + START_TAKES_MS;
  while (child.exitCode === null && child.signalCode === null && performance.now() < giveUpAt) {
    // The socket may still be that of a predecessor: only its own pid counts.
    const info = await runtime.ask("show info").catch(() => "");
    if (new RegExp(`^Pid: ${pid}$`, "m").test(info)) return true;
    await sleep(LOOK_EVERY_MS);
  }
  return false;
}
