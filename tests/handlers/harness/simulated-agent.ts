import { setTimeout as sleep } from "node:timers/promises";
import type { State } from "../../../provider/core/state";
import type { Store } from "../../../provider/ports/store";
import { holder } from "../../controller/stored-service";
import { World } from "../../simulation/world";

const TICKS_A_TURN = 5;
const TICK_MS = 500;
const TURN_MS = 5;

/** A service's agent with real decisions and a real store, in a world of virtual time: no process, no waiting. */
export class SimulatedAgent {
  private stopping = false;
  private running: Promise<void> = Promise.resolve();
  private written: State | null = null;

  private constructor(
    private readonly store: Store,
    readonly world: World,
  ) {}

  static async start(store: Store): Promise<SimulatedAgent> {
    const { value } = await store.readIntent();
    const agent = new SimulatedAgent(store, new World(value));
    agent.world.epoch = (await store.acquireLease(holder())).epoch;
    agent.goOn();
    return agent;
  }

  /** What handlers and the CLI find: the world's own is ahead of it until it is written. */
  get state(): State | null {
    return this.written;
  }

  /** Ends between two turns; rejects with what went wrong. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  goOn(): void {
    this.stopping = false;
    this.running = this.turns();
    // Told by `stop`; a test that fails before must not end the whole run.
    this.running.catch(() => undefined);
  }

  private async turns(): Promise<void> {
    while (!this.stopping) {
      const { value, version } = await this.store.readIntent();
      this.world.intent = value;
      this.world.intentVersion = version;
      for (let tick = 0; tick < TICKS_A_TURN; tick += 1) this.world.tick(TICK_MS);
      const state = this.world.state!;
      await this.store.writeState((await this.store.readState())?.version ?? 0, state);
      this.written = state;
      await sleep(TURN_MS);
    }
  }
}
