import { sameEndpoint, type DesiredRouting, type Endpoint } from "../../../core/routing";
import type { KeyPair } from "../../../core/spec/tls-input";
import type { DataPlaneReport } from "../../../ports/dataplane";
import { Turns } from "../../../host/turns";
import type { AccessLog } from "../../access-log";
import type { EngineInTurn } from "../../engine";
import { Fence } from "../../fence";
import { keyPairFor } from "../../key-pair";
import { addressOfHandle, type TcpHandle } from "../../listener";
import { logError } from "../../log-error";
import type { VersionCounts } from "../../version-counts";
import { shareOf, workersOf } from "./share";
import { Tally } from "./tally";
import { WorkerGone, WorkerProcess, type WorkerEvents } from "./worker-process";

/** One that lived for less than this may do so again: its successor has to wait, so that this costs no whole core. */
const YOUNG_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5000;

/** The socket that all listen on. Nobody takes connections by this handle: clients wait in its queue while no worker lives. */
interface Listener {
  handle: TcpHandle;
  /** Null: that of the next routing. */
  of: Endpoint | null;
}

/**
 * The embedded engine in several processes, so that it has as many cores. Each is the whole engine, on the same listener and
 * with its share of the limits; this one orders them about, and sums up what they tell.
 */
export class WorkersEngine implements EngineInTurn {
  private readonly fenced = new Fence();
  private readonly tally = new Tally();
  private readonly startedAt = Date.now();
  /** A dead one keeps its place until another one has it. */
  private serving: WorkerProcess[] = [];
  /** They take no new connections. */
  private leaving: WorkerProcess[] = [];
  private listener: Listener | null = null;
  private inForce: DesiredRouting | null = null;
  private keyPair: KeyPair | undefined;
  private retired = false;
  private ended = false;
  private pauseMs = 0;
  private waiting: (() => void) | null = null;
  /** Two changes at once would each undo half of the other. */
  private readonly turns = new Turns();
  private readonly events: WorkerEvents;

  constructor(
    private readonly serviceFolder: string,
    private readonly versions: VersionCounts,
    log: AccessLog,
  ) {
    this.events = {
      onReport: (report, before) => versions.add(report.versions, before?.versions ?? {}),
      onWaiting: () => this.waiting?.(),
      onAccess: ({ entries, lost }) => {
        if (lost > 0) log.lose(lost, "the processor is too slow");
        for (const entry of entries) log.add(entry);
      },
      onGone: (worker) => this.wentAway(worker),
    };
  }

  fence(epoch: number): void {
    this.fenced.raise(epoch);
  }

  onWaiting(listener: () => void): void {
    this.waiting = listener;
  }

  apply(desired: DesiredRouting, keyPair?: KeyPair): Promise<void> {
    return this.turns.take(async () => {
      this.fenced.admit(desired, this.inForce);
      try {
        await this.put(desired, keyPairFor(desired, keyPair) ?? undefined);
      } catch (error) {
        if (this.inForce === null) this.giveUp();
        throw error;
      }
    });
  }

  async observe(): Promise<DataPlaneReport> {
    const known = this.living().filter((worker) => !isFresh(worker));
    await Promise.all(known.map((worker) => worker.look()));
    // Who died meanwhile is in the tally already.
    const living = this.living().flatMap(({ report }) => report ?? []);
    const sum = this.tally.sum(living) ?? { replicas: {}, routes: {}, metrics: {}, pools: {} };
    return {
      ...sum,
      generation: this.inForce?.generation ?? 0,
      pid: process.pid,
      startedAt: this.startedAt,
      endpoint: this.listener && addressOfHandle(this.listener.handle),
      versions: this.versions.report(),
    };
  }

  take(handle: TcpHandle | null): void {
    this.closeListener();
    this.listener = handle && { handle, of: null };
    this.retired = false;
  }

  share(endpoint: DesiredRouting["endpoint"]): Promise<TcpHandle | null> {
    return this.turns.take(async () => {
      const [worker] = this.serving.filter(({ gone }) => !gone);
      return worker?.listensOn(endpoint) === true ? worker.listener() : null;
    });
  }

  retire(): Promise<void> {
    return this.turns.take(async () => {
      this.retired = true;
      this.closeListener();
      await this.letGo(this.serving.splice(0));
    });
  }

  get isIdle(): boolean {
    return this.living().length === 0;
  }

  shutdown(graceSeconds: number): Promise<void> {
    return this.turns.take(async () => {
      this.ended = true;
      // First ours: the clients in its queue would wait for nobody.
      this.closeListener();
      await Promise.all(this.living().map((worker) => worker.shutdown(graceSeconds)));
    });
  }

  private async put(desired: DesiredRouting, keyPair: KeyPair | undefined): Promise<void> {
    const wanted = this.retired ? 0 : workersOf(desired.balancer);
    const surplus = this.serving.slice(wanted).filter(({ gone }) => !gone);
    const serving = Array.from({ length: wanted }, (_, place) => this.aliveAt(place) ?? this.start());
    // Should this fail, the next attempt goes on with them.
    this.serving = [...serving, ...surplus];
    const all = [...serving, ...surplus, ...this.leaving];
    const tell = (worker: WorkerProcess, handle: TcpHandle | null): Promise<void> =>
      worker.apply(shareOf(desired, all.indexOf(worker), all.length), keyPair, handle);
    if (wanted > 0) {
      const handle = await this.listenerFor(desired.endpoint, serving[0]!, tell);
      const told = async (worker: WorkerProcess): Promise<void> =>
        tell(worker, worker.listensOn(desired.endpoint) ? null : handle).catch(unlessGone);
      // Those that are there give room first: all together never get more than the limits.
      const [fresh, there] = [serving.filter(isFresh), serving.filter((worker) => !isFresh(worker))];
      await Promise.all(there.map(told));
      await Promise.all(fresh.map(told));
      if (serving.every(({ gone }) => gone)) throw new WorkerGone();
    }
    this.serving = serving;
    this.versions.set(desired.routes, performance.now());
    this.tally.set(desired);
    this.inForce = desired;
    this.keyPair = keyPair;
    await this.letGo(surplus);
    await Promise.all(this.leaving.map((worker) => tell(worker, null).catch(unlessGone)));
  }

  /** Nothing serves yet, and maybe another engine is to: the next `take` begins anew. */
  private giveUp(): void {
    this.retired = true;
    this.closeListener();
    for (const worker of this.serving.splice(0)) worker.kill();
  }

  /** What those listen by that do not yet: the first of them opens it, where nobody has it. */
  private async listenerFor(
    endpoint: Endpoint,
    first: WorkerProcess,
    tell: (worker: WorkerProcess, handle: TcpHandle | null) => Promise<void>,
  ): Promise<TcpHandle> {
    const { listener } = this;
    if (listener !== null && (listener.of === null || sameEndpoint(listener.of, endpoint))) {
      listener.of = endpoint;
      return listener.handle;
    }
    await tell(first, null);
    const handle = await first.listener();
    this.closeListener();
    this.listener = { handle, of: endpoint };
    return handle;
  }

  private aliveAt(place: number): WorkerProcess | null {
    const worker = this.serving[place];
    return worker === undefined || worker.gone ? null : worker;
  }

  private start(): WorkerProcess {
    return new WorkerProcess(this.serviceFolder, this.events);
  }

  private async letGo(workers: readonly WorkerProcess[]): Promise<void> {
    const alive = workers.filter(({ gone }) => !gone);
    this.leaving.push(...alive);
    await Promise.all(alive.map((worker) => worker.leave()));
  }

  /** The others get its share of the limits, or its successor does. */
  private wentAway(worker: WorkerProcess): void {
    if (worker.report !== null) this.tally.end(worker.report);
    const died = this.serving.includes(worker);
    this.leaving = this.leaving.filter((one) => one !== worker);
    if (this.ended || this.inForce === null) return;
    if (died) process.stderr.write(`worker ${worker.pid} has died, and another one takes its place\n`);
    const again = (): Promise<void> => this.turns.take(() => this.putAgain());
    setTimeout(() => void again().catch(logError), died ? this.pauseAfter(worker) : 0);
  }

  private async putAgain(): Promise<void> {
    const nobodyLeft = this.retired && this.leaving.length === 0;
    if (!this.ended && !nobodyLeft && this.inForce !== null) await this.put(this.inForce, this.keyPair);
  }

  private pauseAfter({ startedAt }: WorkerProcess): number {
    const young = performance.now() - startedAt < YOUNG_MS;
    this.pauseMs = young ? Math.min(LAST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * this.pauseMs)) : 0;
    return this.pauseMs;
  }

  private closeListener(): void {
    this.listener?.handle.close();
    this.listener = null;
  }

  private living(): WorkerProcess[] {
    return [...this.serving, ...this.leaving].filter(({ gone }) => !gone);
  }
}

/** It has not been told anything yet. */
function isFresh({ report }: WorkerProcess): boolean {
  return report === null;
}

function unlessGone(error: unknown): void {
  if (!(error instanceof WorkerGone)) throw error;
}
