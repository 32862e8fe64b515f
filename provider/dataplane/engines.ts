import { sameEndpoint, type DesiredRouting } from "../core/routing";
import type { EngineKind } from "../core/spec/pool";
import type { KeyPair } from "../core/spec/tls-input";
import { Turns } from "../host/turns";
import type { DataPlaneReport } from "../ports/dataplane";
import { AccessLog } from "./access-log";
import { EmbeddedEngine } from "./embedded/engine";
import { EmbeddedRoom } from "./embedded/room";
import { WorkersEngine } from "./embedded/workers/engine";
import { workersOf } from "./embedded/workers/share";
import type { Engine, EngineInTurn } from "./engine";
import { Fence } from "./fence";
import { HaproxyEngine } from "./haproxy/engine";
import { readRecords } from "./haproxy/worker-records";
import type { TcpHandle } from "./listener";
import { logError } from "./log-error";
import { together } from "./report";
import { VersionCounts } from "./version-counts";

/** What carries the requests: an engine as it is declared, but for the embedded one in several processes. */
type Carrier = EngineKind | "workers";

/**
 * The engine that the routing names, which may change while it serves: the next one goes on with the listener, so that no
 * client is refused, and the one before keeps what it has until its clients have left it.
 */
export class Engines implements Engine {
  private readonly fenced = new Fence();
  private readonly versions = new VersionCounts();
  private readonly log: AccessLog;
  private readonly startedAt = Date.now();
  /** Each is made once: what it has counted stays, and it may come to serve again. */
  private readonly made = new Map<Carrier, EngineInTurn>();
  private current: Carrier | null = null;
  private inForce: DesiredRouting | null = null;
  private keyPair: KeyPair | undefined;
  private waiting: (() => void) | null = null;
  /** Two engines must not change places at once. */
  private readonly turns = new Turns();

  /** @param usual for a routing that names none */
  constructor(
    private readonly serviceFolder: string,
    private readonly usual: EngineKind,
  ) {
    this.log = new AccessLog(serviceFolder);
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
      const kind = this.carrierOf(desired);
      if (kind === this.current) await this.engine(kind).apply(desired, keyPair);
      else await this.change(kind, desired, keyPair);
      this.inForce = desired;
      this.keyPair = keyPair;
      for (const other of this.others()) {
        await other.apply(other.isIdle ? withoutReplicas(desired) : desired, keyPair).catch(logError);
      }
    });
  }

  lookedOn(): void {
    for (const engine of this.made.values()) engine.lookedOn?.();
  }

  async observe(): Promise<DataPlaneReport> {
    const serving = await this.currentEngine()?.observe();
    const before = await Promise.all(this.others().map((engine) => engine.observe()));
    return {
      ...together(serving ?? NOTHING, before),
      generation: this.inForce?.generation ?? 0,
      versions: this.versions.report(),
      pid: process.pid,
      startedAt: this.startedAt,
    };
  }

  shutdown(graceSeconds: number): Promise<void> {
    return this.turns.take(async () => {
      await Promise.all([...this.made.values()].map((engine) => engine.shutdown(graceSeconds)));
      await this.log.flush();
    });
  }

  private async change(kind: Carrier, desired: DesiredRouting, keyPair: KeyPair | undefined): Promise<void> {
    // A supervisor that was killed in the middle of a change may have left a HAProxy that listens.
    if (this.current === null && kind !== "haproxy" && readRecords(this.serviceFolder).workers.length > 0)
      await this.engine("haproxy").retire();
    const before = this.currentEngine();
    const next = this.engine(kind);
    if (before !== null && this.inForce !== null) {
      const { inForce, keyPair: keyPairInForce } = this;
      await handOver({ before, next, inForce, keyPairInForce, desired, keyPair });
    } else {
      next.take(null);
      await next.apply(desired, keyPair);
    }
    if (before !== null) process.stderr.write(`"${this.current}" gives the endpoint to "${kind}"\n`);
    this.current = kind;
  }

  private carrierOf({ balancer }: DesiredRouting): Carrier {
    const kind = balancer.engine ?? this.usual;
    return kind === "embedded" && workersOf(balancer) > 1 ? "workers" : kind;
  }

  private engine(kind: Carrier): EngineInTurn {
    const known = this.made.get(kind);
    if (known !== undefined) return known;
    const engine = this.make(kind);
    engine.onWaiting?.(() => this.waiting?.());
    this.made.set(kind, engine);
    return engine;
  }

  private make(kind: Carrier): EngineInTurn {
    switch (kind) {
      case "embedded":
        return new EmbeddedEngine(this.versions, this.log);
      case "workers":
        return new WorkersEngine(this.serviceFolder, this.versions, this.log);
      case "haproxy":
        return new HaproxyEngine(this.serviceFolder, this.versions, new EmbeddedRoom(this.versions), this.log);
    }
  }

  private currentEngine(): EngineInTurn | null {
    return this.current === null ? null : this.engine(this.current);
  }

  private others(): EngineInTurn[] {
    return [...this.made].flatMap(([kind, engine]) => (kind === this.current ? [] : [engine]));
  }
}

interface HandOver {
  before: EngineInTurn;
  next: EngineInTurn;
  inForce: DesiredRouting;
  keyPairInForce: KeyPair | undefined;
  desired: DesiredRouting;
  keyPair: KeyPair | undefined;
}

async function handOver(change: HandOver): Promise<void> {
  const { before, next, inForce, keyPairInForce, desired, keyPair } = change;
  const moves = !sameEndpoint(inForce.endpoint, desired.endpoint);
  let retired = false;
  try {
    const listener = moves ? null : await before.share(desired.endpoint);
    if (listener === null && !moves) {
      retired = true;
      await before.retire();
    }
    await startOn(next, listener, desired, keyPair);
  } catch (error) {
    if (retired) before.take(null);
    // It serves on, and must know of replicas that come and go, whatever became of the change.
    const { endpoint, balancer } = inForce;
    await before.apply({ ...desired, endpoint, balancer }, keyPairInForce).catch(logError);
    throw error;
  }
  if (!retired) await before.retire();
}

async function startOn(
  next: EngineInTurn,
  listener: TcpHandle | null,
  desired: DesiredRouting,
  keyPair: KeyPair | undefined,
): Promise<void> {
  next.take(listener);
  try {
    await next.apply(desired, keyPair);
  } catch (error) {
    // What it has opened must not take the clients of the one that serves.
    await next.retire().catch(logError);
    throw error;
  }
}

const NOTHING: DataPlaneReport = {
  generation: 0,
  replicas: {},
  versions: {},
  pools: {},
  routes: {},
  metrics: {},
  pid: process.pid,
  startedAt: 0,
  endpoint: null,
};

/** For an engine without clients: it need not look after replicas that another one uses. */
function withoutReplicas(desired: DesiredRouting): DesiredRouting {
  const routes = desired.routes.map((route) => ({ ...route, primary: null, canary: null, draining: [] }));
  return { ...desired, routes };
}
