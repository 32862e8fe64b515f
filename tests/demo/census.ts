import type { Replica, State } from "../../provider/core/state";
import { isAlive } from "../../provider/host/process-identity";
import { type FoundProcess, processesOf } from "../e2e/harness/processes";

export interface CensusResult {
  peakReplicas: number;
  /** Least ready capacity seen since `watchCapacity`; null: never watched. */
  readyMin: number | null;
  samples: number;
}

export interface CensusOptions {
  folder: string;
  state: () => Promise<State | null>;
  everyMs?: number;
}

/**
 * Counts replicas from outside while the rollout runs. VMs: those that the operating system runs and those that the
 * service has journalled (a VM that boots runs nothing yet), whichever is more. Ready capacity: replicas that take new
 * requests and whose own `/health` answers us, at that moment, directly.
 */
export class Census {
  readonly #options: Required<CensusOptions>;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();
  #result: CensusResult = { peakReplicas: 0, readyMin: null, samples: 0 };
  #watchesCapacity = false;

  constructor(options: CensusOptions) {
    this.#options = { everyMs: 150, ...options };
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#sample().finally(() => {
        if (this.#timer !== null) this.start();
      });
    }, this.#options.everyMs);
  }

  /** From now until `ignoreCapacity`, the least ready capacity is kept. */
  watchCapacity(): void {
    this.#watchesCapacity = true;
  }

  ignoreCapacity(): void {
    this.#watchesCapacity = false;
  }

  async stop(): Promise<CensusResult> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#running;
    return this.#result;
  }

  async #sample(): Promise<void> {
    const found = processesOf(this.#options.folder).filter(({ env }) => env["PULUMI_SERVE_REPLICA"] !== undefined);
    // One look takes a while: only what is still alive at its end was there all at once.
    const alive = replicasOf(found.filter((process_) => isAlive(process_)));
    const state = await this.#options.state();
    if (state === null) return;
    const journalled = Object.values(state.replicas);
    this.#result.samples++;
    this.#result.peakReplicas = Math.max(this.#result.peakReplicas, alive.size, journalled.length);
    if (!this.#watchesCapacity) return;

    const healthy: string[] = [];
    await Promise.all(
      journalled.filter(takesRequests).map(async ({ id, address }) => {
        if (alive.has(id) && address !== null && (await answersHealth(address))) healthy.push(id);
      }),
    );
    // Whoever was retired while we asked is no sign of missing capacity: such a sample says nothing, the next one comes at once.
    const later = await this.#options.state();
    if (later === null || !this.#watchesCapacity) return;
    const retired = journalled.filter(takesRequests).filter(({ id }) => later.replicas[id]?.status !== "ready");
    if (retired.length > 0) return;
    this.#result.readyMin = Math.min(this.#result.readyMin ?? Infinity, healthy.length);
  }
}

function takesRequests({ status }: Replica): boolean {
  return status === "ready";
}

function replicasOf(processes: readonly FoundProcess[]): Set<string> {
  return new Set(processes.map(({ env }) => env["PULUMI_SERVE_REPLICA"]!));
}

async function answersHealth({ host, port }: { host: string; port: number }): Promise<boolean> {
  try {
    return (await fetch(`http://${host}:${port}/health`, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}
