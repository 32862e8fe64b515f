import type { ProbeReading } from "../core/observed";
import type { ReadinessSpec } from "../core/spec/pool";

export interface ProbeTarget {
  replicaId: string;
  address: { host: string; port: number };
  readiness: ReadinessSpec;
  /** Starting replicas are probed faster than their interval, so that a boot costs no more than it must. */
  phase: "starting" | "serving";
}

/** Asks replicas whether they are ready, beside the controller's loop. */
export interface Prober {
  /** The whole list; targets that left it are forgotten, those that stay keep their reading. */
  watch(targets: ProbeTarget[]): void;
  readings(): Record<string, ProbeReading>;
  /** Called whenever a reading turned from passing to failing or back, so that the loop need not wait for its tick. */
  onChange(listener: () => void): void;
  close(): void;
}
