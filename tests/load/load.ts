import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

import type { FromLoad, LoadOptions, LoadProgress, ToLoad } from "./protocol";
import type { RequestRecord } from "./record";
import type { LoadReport } from "./report";

/**
 * Load from a process of its own, so that neither side's measurements disturb the other's. `stop` waits for what runs
 * and hands over the judgement; `kill` ends it whatever it does.
 */
export class Load {
  static readonly #running = new Set<Load>();
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    Load.#running.add(this);
    child.once("exit", () => Load.#running.delete(this));
  }

  static killAll(): void {
    for (const load of Load.#running) load.kill();
  }

  static async start(options: LoadOptions): Promise<Load> {
    const child = fork(join(__dirname, "main.ts"), [JSON.stringify(options)], {
      execArgv: ["--require", require.resolve("../toolchain/run-typescript")],
      serialization: "advanced",
    });
    const load = new Load(child);
    await load.#answer("ready");
    return load;
  }

  /** Says that this replica is being ended by force now, so that what it had begun is counted apart. */
  replicaKilled(replica: string): void {
    this.#tell({ kind: "kill", kill: { replica, at: Date.now() } });
  }

  async progress(): Promise<LoadProgress> {
    const answer = this.#answer("progress");
    this.#tell({ kind: "progress" });
    return (await answer).progress;
  }

  async stop(): Promise<LoadReport & { records: RequestRecord[] }> {
    const answer = this.#answer("report");
    this.#tell({ kind: "stop" });
    const { report, records } = await answer;
    return { ...report, records };
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #tell(message: ToLoad): void {
    this.#child.send(message);
  }

  #answer<K extends FromLoad["kind"]>(kind: K): Promise<Extract<FromLoad, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#child.off("message", onMessage);
        this.#child.off("exit", onExit);
      };
      const onMessage = (message: FromLoad): void => {
        if (message.kind !== kind) return;
        settle();
        resolve(message as Extract<FromLoad, { kind: K }>);
      };
      const onExit = (code: number | null, signal: string | null): void => {
        settle();
        reject(new Error(`the load's process ended by itself (${signal ?? code}) before it answered "${kind}"`));
      };
      this.#child.on("message", onMessage);
      this.#child.once("exit", onExit);
    });
  }
}
