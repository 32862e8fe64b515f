import type { Action } from "../../../provider/core/action";
import { takeOver } from "../../../provider/core/draft";
import { ServeError } from "../../../provider/core/errors";
import { Executor, type WorldAction } from "../../../provider/controller/act";
import { Journal } from "../../../provider/controller/journal";
import { Observer } from "../../../provider/controller/observe";
import type { Parts } from "../../../provider/controller/parts";
import { tick } from "../../../provider/controller/tick";
import type { Cloud } from "../../../provider/ports/cloud";
import type { DataPlane } from "../../../provider/ports/dataplane";
import type { Prober, ProbeTarget } from "../../../provider/ports/prober";
import type { Store } from "../../../provider/ports/store";
import type { SimulatedWorld } from "./world";

const RETRY_MS = 1_000;
/** The pause after a tick that changed something; it grows while nothing does, up to these. What happens rings anyway. */
const MOVING_MS = 200;
const WAITING_MS = 2_000;
const SETTLED_MS = 5_000;

export type ProcessEnding = "dissolved" | "fenced" | "storeGone" | "killed" | "threw";

/** Who gives an order, and how old what it knows is. */
export interface Sender {
  epoch: number;
  lookedAt: number;
}

/**
 * One controller. Its tick, journal, observer and executor are the product's own; only the loop around them is written
 * again, as `Controller` sleeps by the real clock. Every call to the outside passes `outside`, where it can be killed or
 * stopped.
 */
export class ControllerProcess {
  ending: ProcessEnding | null = null;
  crash: { calls: number; when: "before" | "after" } | null = null;
  private stoppedUntil = 0;
  private lookedAt = 0;
  private readonly journal: Journal;
  private readonly executor: Executor;
  private readonly parts: Parts;
  private targets = new Map<string, { target: ProbeTarget; since: number }>();
  private wake: (() => void) | null = null;
  private rung = false;

  constructor(
    private readonly world: SimulatedWorld,
    readonly epoch: number,
    private readonly onEnd: (ending: ProcessEnding) => void,
  ) {
    this.parts = this.partsOf(world);
    this.journal = new Journal(this.parts.store);
    const stale = () => this.end("fenced");
    this.executor = new Executor(this.parts, epoch, () => undefined, stale);
  }

  get isStopped(): boolean {
    return this.world.timeline.now < this.stoppedUntil;
  }

  async run(): Promise<void> {
    const tools = { ...this.partsTools(), observer: new Observer(this.parts) };
    let pause = MOVING_MS;
    let told = 0;
    for (let fenced = false; this.ending === null;) {
      try {
        if (!fenced) await this.fence();
        fenced = true;
        this.lookedAt = this.world.timeline.now;
        const { actions, state, changed } = await tick(tools);
        if (this.ending !== null) break;
        this.world.ticked(this.lookedAt);
        if (actions.some(({ kind }) => kind === "dissolve")) await this.dissolve();
        else this.executor.start(actions.filter(isWorldAction));
        const most = state.rollout === null ? SETTLED_MS : WAITING_MS;
        // One more sample of the load is written down and moves nothing.
        const moved = changed && (this.world.scenario.demand === undefined || state.nextEvent > told);
        told = state.nextEvent;
        pause = moved ? MOVING_MS : Math.min(most, 2 * pause);
      } catch (error) {
        this.failed(error);
        pause = RETRY_MS;
      }
      if (this.ending === null) await this.rest(pause);
    }
  }

  kill(): void {
    this.end("killed");
  }

  stop(forMs: number): void {
    this.stoppedUntil = this.world.timeline.now + forMs;
  }

  /** Something happened: look before the next poll. */
  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  private partsTools() {
    return { parts: this.parts, epoch: this.epoch, journal: this.journal, executor: this.executor };
  }

  private async fence(): Promise<void> {
    await this.journal.open();
    const before = takeOver(this.journal.state, this.epoch);
    const event = { seq: before.nextEvent, at: this.parts.clock.now(), epoch: this.epoch };
    await this.journal.persist({
      ...before,
      outbox: [{ ...event, kind: "leaseTaken", packageVersion: "simulated" }],
      nextEvent: before.nextEvent + 1,
    });
  }

  private async dissolve(): Promise<void> {
    await this.executor.stop();
    await this.parts.dataplane.shutdown(0);
    await this.parts.cloud.purge();
    await this.parts.store.destroy();
    this.end("dissolved");
  }

  private failed(error: unknown): void {
    if (!(error instanceof ServeError)) {
      this.world.broken("total", `the controller threw: ${error instanceof Error ? error.stack : String(error)}`);
      this.end("threw");
    } else if (error.code === "StaleEpoch" || error.code === "StoreConflict") this.end("fenced");
    else if (error.code === "StoreMissing") this.end("storeGone");
  }

  private end(ending: ProcessEnding): void {
    if (this.ending !== null) return;
    this.ending = ending;
    this.wake?.();
    this.onEnd(ending);
  }

  private async rest(milliseconds: number): Promise<void> {
    if (!this.rung) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        this.world.timeline.in(milliseconds, resolve);
      });
    }
    this.rung = false;
    this.wake = null;
    // What rings together is looked at together: sometimes half of it, sometimes all.
    await this.world.timeline.sleep(this.world.lookComesMs(this.epoch));
    await this.awake();
  }

  /** Every way out. A dead process asks nothing and hears nothing any more; a stopped one does when it wakes. */
  private async outside<T>(call: () => T | Promise<T>): Promise<T> {
    this.mayCrash("before");
    await this.awake();
    const result = await settled(call);
    this.mayCrash("after");
    await this.awake();
    return result();
  }

  private mayCrash(when: "before" | "after"): void {
    if (this.crash?.when !== when) return;
    this.crash.calls -= 1;
    if (this.crash.calls <= 0) this.kill();
  }

  private async awake(): Promise<void> {
    while (this.ending !== "killed" && this.isStopped) {
      await this.world.timeline.sleep(this.stoppedUntil - this.world.timeline.now);
    }
    if (this.ending === "killed") await new Promise<never>(() => undefined);
  }

  private partsOf(world: SimulatedWorld): Parts {
    return {
      store: this.storeOf(world.store.port()),
      cloud: this.cloudOf(world),
      dataplane: this.dataPlaneOf(world),
      prober: this.proberOf(world),
      gateRunner: { run: () => this.order("runGate", () => world.gateAnswer()), close: () => undefined },
      configurer: { send: (request) => this.order("reconfigure", () => world.cloud.configure(request)) },
      clock: { now: () => world.wall() },
      reporter: { info: () => undefined, warn: () => undefined },
    };
  }

  private storeOf(store: Store): Store {
    return {
      ...store,
      destroy: () => this.outside(() => store.destroy()),
      readState: () => this.outside(() => store.readState()),
      writeState: (replaces, state) => this.outside(() => store.writeState(replaces, state)),
      appendEvents: (events) => this.outside(() => store.appendEvents(events)),
    };
  }

  private cloudOf(world: SimulatedWorld): Cloud {
    return {
      launch: (request) => this.order("launch", (sender) => world.launch(request, sender)),
      terminate: (request) => this.order("terminate", (sender) => world.terminate(request, sender)),
      restart: (request) => this.order("restart", (sender) => world.restart(request, sender)),
      list: () =>
        this.outside(async () => {
          const listed = await settled(() => world.cloud.list());
          await world.timeline.sleep(world.lookTakesMs(this.epoch));
          return listed();
        }),
      describe: async () => null,
      notices: () => this.outside(() => world.notices()),
      offerings: async () => [],
      prices: async () => world.cloud.prices(),
      purge: () => this.outside(() => world.purge()),
      maintain: async () => undefined,
    };
  }

  private dataPlaneOf(world: SimulatedWorld): DataPlane {
    return {
      apply: (desired) => this.order("route", (sender) => world.apply(desired, sender)),
      observe: () =>
        this.outside(() => ({
          ...world.dataPlane.observe(),
          pid: 1,
          startedAt: 0,
          endpoint: null,
          routes: {},
          metrics: {},
        })),
      shutdown: () => this.outside(() => world.dataPlane.stop()),
    };
  }

  private proberOf(world: SimulatedWorld): Prober {
    return {
      watch: (targets) => {
        const known = this.targets;
        const since = (id: string) => known.get(id)?.since ?? world.timeline.now;
        this.targets = new Map(targets.map((target) => [target.replicaId, { target, since: since(target.replicaId) }]));
        if (targets.some(({ replicaId }) => !known.has(replicaId))) world.timeline.in(20, () => this.ring());
      },
      readings: () => {
        const probed = [...this.targets].filter(([, { since }]) => since < world.timeline.now);
        return Object.fromEntries(
          probed.map(([id, { target, since }]) => [id, world.cloud.reading(target, since, world.wall())]),
        );
      },
      onChange: () => undefined,
      close: () => undefined,
    };
  }

  private async order<T>(kind: Parameters<SimulatedWorld["network"]["send"]>[0], effect: (sender: Sender) => T) {
    const sender = { epoch: this.epoch, lookedAt: this.lookedAt };
    try {
      return await this.outside(() => this.world.network.send(kind, () => effect(sender)));
    } finally {
      this.ring();
    }
  }
}

/** The outcome of a call, to be had later. */
async function settled<T>(call: () => T | Promise<T>): Promise<() => T> {
  try {
    const value = await call();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function isWorldAction(action: Action): action is WorldAction {
  return action.kind !== "dissolve";
}
