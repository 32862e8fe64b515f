import type { Price } from "../core/cost/price";
import type { Notice, ObservedVm } from "../core/observed";
import type { Machine, Targets } from "../core/spec/pool";

/** What every cloud can do for the controller. All calls are idempotent by replica id. */
export interface Cloud {
  /**
   * Asks for the VM of this replica. A second call with the same id, by whomever and whenever, makes no second VM.
   * Refuses an id that was ended (tombstone) and an epoch older than the newest it has seen.
   * Throws ServeError with the scope of the failure.
   */
  launch(request: LaunchRequest): Promise<void>;
  /**
   * Ends the program on the replica's VM and starts this one in its place; the VM, its address and its id stay. Done once
   * for each `restarts`: a second call with the same number, or with one that is past, changes nothing, also after a crash
   * in between: the VM reports `restarts` only when the new program has been started. Refuses an id that was ended and an
   * epoch older than the newest it has seen, as `launch` does.
   */
  restart(request: RestartRequest): Promise<void>;
  /** Ends the VM: politely, then by force after `graceSeconds`. An unknown id is success and leaves a tombstone. */
  terminate(request: { replicaId: string; epoch: number; graceSeconds: number }): Promise<void>;
  /** Everything that carries the service's tag. Ended VMs stay listed for a while, with their exit. */
  list(): Promise<ObservedVm[]>;
  describe(replicaId: string): Promise<ObservedVm | null>;
  /** The cloud's word that spot VMs will be taken, or that they are likelier to be than others. */
  notices(): Promise<Notice[]>;
  /**
   * Calls the listener soon after a notice came or a VM ended by itself, so that the loop need not wait for its next look.
   * Where a cloud has no such word the looks alone must do. Returns what ends it.
   */
  watch?(listener: () => void): () => void;
  /** Whether `watch` tells of every notice and loss, so that looks at rest may be rare; absent: it does not. */
  readonly tellsOfLosses?: boolean;
  /** What is declared of its targets now. True: it was something else. */
  follow?(targets: Targets): boolean;
  offerings(): Promise<Offering[]>;
  /** Per zone and market; one that is not offered is left out. */
  prices(): Promise<Price[]>;
  /** Ends everything that carries the tag and removes what the cloud kept about it. */
  purge(): Promise<void>;
  /** Upkeep between ticks, such as rotating logs; cheap, and safe to call every second. */
  maintain(): Promise<void>;
}

export interface LaunchRequest {
  replicaId: string;
  epoch: number;
  pool: string;
  revision: string;
  market: "onDemand" | "spot";
  /** There and nowhere else; null or absent: the cloud chooses. */
  zone?: string | null;
  setup: string | null;
  run: string;
  /** Opens the workdir as a tar stream; null: an empty folder. */
  workdir: (() => Promise<NodeJS.ReadableStream>) | null;
  /** Values in clear: they go into the replica's environment and nowhere else. */
  env: Record<string, string>;
  resources: Machine;
}

/** The machine is there already: its market and its resources are what it was launched with. */
export interface RestartRequest extends Omit<LaunchRequest, "market" | "zone" | "resources"> {
  /** 1 for the first restart of this VM. */
  restarts: number;
  /** How long the old program gets to end by itself after it was told to. */
  graceSeconds: number;
}

export interface Offering {
  zone: string;
  market: "onDemand" | "spot";
  /** Of machines of this shape; absent: of those without accelerators, or of any. */
  shape?: string;
  /** VMs that could be launched now; null: not known. */
  available: number | null;
}

export type { Price } from "../core/cost/price";
