import { setTimeout as sleep } from "node:timers/promises";
import { ServeError } from "../../core/errors";
import { sameEndpoint, type DesiredRouting } from "../../core/routing";
import type { KeyPair } from "../../core/spec/tls-input";
import type { DataPlaneReport } from "../../ports/dataplane";
import { Turns } from "../../host/turns";
import type { AccessLog } from "../access-log";
import type { EngineInTurn } from "../engine";
import { Fence } from "../fence";
import { keyPairFor } from "../key-pair";
import { addressOfHandle, listenerOfHaproxy, type TcpHandle } from "../listener";
import { logError } from "../log-error";
import { SlowStart } from "../slow-start";
import type { VersionCounts } from "../version-counts";
import type { WaitingRoom } from "../waiting-room";
import { accessEntry } from "./access-line";
import { findHaproxy } from "./binary";
import { shapeOf } from "./config";
import { reserve } from "./endpoint";
import { FailedTries } from "./failed-tries";
import { addressOf } from "./membership";
import { reportOf } from "./report";
import { RequestCounts } from "./request-counts";
import {
  Worker,
  type ListenerSource,
  type OnLine,
  type Routings,
  type StartOptions,
  type WorkerRecord,
} from "./worker";
import { removeFilesOf, roomSocket } from "./worker-files";
import { readRecords, removeRecords, writeRecords, type Listening } from "./worker-records";

/** How often HAProxy is looked after: drained replicas, processes that end, one that died. */
const TEND_EVERY_MS = 100;
const DRAIN_LOOK_MS = 50;

/**
 * HAProxy as the engine: this process supervises it and speaks for it. HAProxy carries the requests; should the supervisor
 * die, it goes on by itself, and the next one finds it by what is written down.
 */
export class HaproxyEngine implements EngineInTurn {
  private readonly fenced = new Fence();
  private readonly counts: RequestCounts;
  private readonly tries: FailedTries;
  private readonly startedAt = Date.now();
  private current: Worker | null = null;
  /** They only have what still runs on them. */
  private ending: Worker[] = [];
  private listening: Listening | null = null;
  private inForce: DesiredRouting | null = null;
  private readonly slowStart = new SlowStart();
  private keyPair: KeyPair | null = null;
  /** Ours of the listener that it was given by the other engine. */
  private handle: TcpHandle | null = null;
  private retired = false;
  private opened = false;
  private lastNumber = 0;
  /** Two changes at once would each undo half of the other. */
  private readonly turns = new Turns();
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly serviceFolder: string,
    private readonly versions: VersionCounts,
    private readonly room: WaitingRoom,
    private readonly log: AccessLog,
  ) {
    this.counts = new RequestCounts(versions);
    this.tries = new FailedTries(versions);
  }

  fence(epoch: number): void {
    this.fenced.raise(epoch);
  }

  onWaiting(listener: () => void): void {
    this.room.onWaiting(listener);
  }

  apply(desired: DesiredRouting, keyPair?: KeyPair): Promise<void> {
    return this.turns.take(async () => {
      this.fenced.admit(desired, this.inForce);
      await this.put(desired, keyPairFor(desired, keyPair));
    });
  }

  take(listener: TcpHandle | null): void {
    this.handle = listener;
    this.retired = false;
  }

  share(endpoint: DesiredRouting["endpoint"]): Promise<TcpHandle | null> {
    return this.turns.take(async () => {
      const { current, listening, handle } = this;
      if (current === null || listening === null || !sameEndpoint(listening.wanted, endpoint)) return null;
      this.handle = null;
      // One that was given its listener cannot pass it on, and one that has died needs nobody to wait for it.
      if (handle !== null || current.record.givenListener === true || !current.isAlive) return handle;
      return listenerOfHaproxy(current.runtime.path, listening.port);
    });
  }

  retire(): Promise<void> {
    return this.turns.take(async () => {
      await this.open();
      this.retired = true;
      const { current } = this;
      this.current = null;
      this.closeHandle();
      this.listening = null;
      if (current !== null) await this.letGo(current);
      this.writeDown();
    });
  }

  get isIdle(): boolean {
    return this.workers().length === 0;
  }

  async observe(): Promise<DataPlaneReport> {
    const workers = this.workers();
    const looks = await Promise.all(workers.map((worker) => worker.look().catch(() => worker.seen)));
    const seen = workers.map(({ record }, at) => {
      return { worker: record.number, pools: record.pools, traffic: looks[at]! };
    });
    if (this.inForce !== null) this.tries.look(this.inForce, seen, performance.now());
    const parts =
      this.inForce === null
        ? { replicas: {}, routes: {}, metrics: {} }
        : reportOf(this.inForce, seen, this.counts, this.room.report());
    return {
      generation: this.inForce?.generation ?? 0,
      pid: process.pid,
      startedAt: this.startedAt,
      endpoint: this.listening && { host: this.listening.host, port: this.listening.port },
      versions: this.versions.report(),
      ...parts,
    };
  }

  shutdown(graceSeconds: number): Promise<void> {
    return this.turns.take(async () => {
      if (this.timer !== null) clearInterval(this.timer);
      const workers = this.workers();
      const giveUpAt = performance.now() + graceSeconds * 1000;
      await this.current?.retire().catch(() => undefined);
      while (performance.now() < giveUpAt && (await this.running()) > 0) await sleep(DRAIN_LOOK_MS);
      this.current = null;
      this.ending = [];
      await Promise.all(workers.map((worker) => worker.end()));
      this.closeHandle();
      await this.room.close(Math.max(0, (giveUpAt - performance.now()) / 1000));
      removeRecords(this.serviceFolder);
    });
  }

  private async put(desired: DesiredRouting, keyPair: KeyPair | null): Promise<void> {
    await this.open();
    const routing = { desired, weighed: this.slowStart.put(desired, performance.now()) };
    const address = this.retired ? "" : await this.serve(routing, keyPair);
    if (this.retired) await this.room.open(roomSocket(this.serviceFolder), desired);
    this.inForce = desired;
    this.keyPair = keyPair;
    this.counts.keep(desired);
    // Whoever has a connection there still may ask for more: they too must know who serves.
    for (const worker of this.ending) await worker.put(routing, address, keyPair).catch(logError);
    this.writeDown();
  }

  /** Returns the address at which it serves when this routing is in force. */
  private async serve(routing: Routings, keyPair: KeyPair | null): Promise<string> {
    const { desired } = routing;
    const before = this.current;
    const alive = before !== null && before.isAlive;
    const same = this.listening !== null && sameEndpoint(this.listening.wanted, desired.endpoint);
    const fits = alive && same && before.record.shape === shapeOf(desired, addressOf(this.listening!));
    // First of all: if the new address is taken, everything stays as it was.
    const { listening, source } = fits
      ? { listening: this.listening!, source: null }
      : await this.listenerFor(desired, same, same && alive ? before : null);
    const address = addressOf(listening);
    await this.room.open(roomSocket(this.serviceFolder), desired);
    this.versions.set(desired.routes, performance.now());
    if (source === null) {
      await before!.put(routing, address, keyPair);
      return address;
    }
    this.current = await this.startWorker({ routing, keyPair, address, listener: source });
    this.listening = listening;
    this.writeDown();
    if (alive) await this.letGo(before);
    else before?.removeFiles();
    return address;
  }

  /** For a new HAProxy: at the same endpoint as until now or at another one, with `serving` on it or nobody. */
  private async listenerFor(
    { endpoint }: DesiredRouting,
    same: boolean,
    serving: Worker | null,
  ): Promise<{ listening: Listening; source: ListenerSource }> {
    const given = this.handle;
    if (given !== null && this.listening === null) {
      return { listening: { wanted: endpoint, ...addressOfHandle(given) }, source: { kind: "handle", fd: given.fd } };
    }
    if (!same) this.closeHandle();
    else if (given !== null) return { listening: this.listening!, source: { kind: "handle", fd: given.fd } };
    if (serving !== null && serving.record.givenListener !== true)
      return { listening: this.listening!, source: { kind: "worker", worker: serving } };
    // The supervisor that had the other handle was killed: for a moment nobody listens.
    await serving?.retire();
    return { listening: await reserve(endpoint, same ? this.listening!.port : null), source: { kind: "own" } };
  }

  private closeHandle(): void {
    this.handle?.close();
    this.handle = null;
  }

  private async open(): Promise<void> {
    if (this.opened) return;
    await this.adopt();
    this.timer = setInterval(() => void this.turns.take(() => this.tend()).catch(logError), TEND_EVERY_MS);
    this.opened = true;
  }

  /** Goes on with what a killed predecessor left running. */
  private async adopt(): Promise<void> {
    const { workers, listening } = readRecords(this.serviceFolder);
    this.listening = listening;
    for (const [place, record] of workers.entries()) {
      this.lastNumber = Math.max(this.lastNumber, record.number);
      const worker = await Worker.adopt(record, this.serviceFolder, place === 0 ? "current" : "ending", this.onLine);
      if (worker === null) {
        removeFilesOf(this.serviceFolder, record.number);
        continue;
      }
      if (place === 0) this.current = worker;
      // Told before or not: one that was only just started when its supervisor was killed has not been.
      else await this.letGo(worker);
      process.stderr.write(`HAProxy process ${record.pid} goes on under a new supervisor\n`);
    }
  }

  private async startWorker(to: Pick<StartOptions, "routing" | "keyPair" | "address" | "listener">): Promise<Worker> {
    const binary = findHaproxy();
    if (binary.kind === "unusable")
      throw new ServeError({ code: "Unsupported", scope: "dataplane", reasons: [`HAProxy: ${binary.reason}.`] });
    this.lastNumber += 1;
    const { serviceFolder, lastNumber: number } = this;
    const onSpawned = (record: WorkerRecord): void => this.writeDown([record]);
    const worker = await Worker.start({
      binary: binary.path,
      serviceFolder,
      number,
      ...to,
      onSpawned,
      onLine: this.onLine,
    });
    process.stderr.write(`HAProxy ${binary.version} listens on ${to.address} as process ${worker.record.pid}\n`);
    return worker;
  }

  private async letGo(worker: Worker): Promise<void> {
    this.ending.push(worker);
    await worker.retire().catch(logError);
  }

  private async tend(): Promise<void> {
    if (this.current !== null && !this.current.isAlive && this.inForce !== null) {
      process.stderr.write(`HAProxy process ${this.current.record.pid} has died and is started again\n`);
      await this.put(this.inForce, this.keyPair);
    }
    const weighed = this.slowStart.step(performance.now());
    for (const worker of this.workers()) {
      if (weighed !== null && worker.isAlive) await worker.weigh(weighed).catch(logError);
      if (worker.hasLeavers && worker.isAlive) await worker.removeDrained().catch(logError);
    }
    const ended: Worker[] = [];
    for (const worker of this.ending) {
      const { clients, servers } = worker.isAlive ? await worker.look() : { clients: 0, servers: [] };
      if (clients > 0 || servers.some(({ inFlight }) => inFlight > 0)) continue;
      await worker.end();
      ended.push(worker);
    }
    if (ended.length === 0) return;
    this.ending = this.ending.filter((worker) => !ended.includes(worker));
    this.writeDown();
  }

  private async running(): Promise<number> {
    const running = await Promise.all(this.workers().map((worker) => worker.requests().catch(() => 0)));
    return running.reduce((sum, requests) => sum + requests, 0);
  }

  private readonly onLine: OnLine = (line, { pools }) => {
    const pool = line.pool === null ? null : (pools[line.pool] ?? null);
    this.counts.add(line, pool);
    // One that is being replaced may still tell what nobody asks for any more.
    if (line.access === null || this.inForce?.balancer.accessLog !== true) return;
    const route = this.inForce.routes.find((each) => each.pool === pool);
    this.log.add(accessEntry(line, line.access, pool, route));
  };

  private workers(): Worker[] {
    return this.current === null ? this.ending : [this.current, ...this.ending];
  }

  /** `starting`: those that nobody shall count on yet. */
  private writeDown(starting: readonly WorkerRecord[] = []): void {
    const workers = [...this.workers().map(({ record }) => record), ...starting];
    writeRecords(this.serviceFolder, { version: 1, workers, listening: this.listening });
  }
}
