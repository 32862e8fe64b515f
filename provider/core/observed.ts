import type { ErrorCode, ErrorScope } from "./errors";

/** One look at the world, taken at the start of a tick. Null means "could not look", never "nothing there". */
export interface Observed {
  /** Every VM that carries the service's tag, ended ones left out after a while; null: the listing failed. */
  vms: ObservedVm[] | null;
  /** Probe readings by replica id; absent: not probed yet. */
  probes: Record<string, ProbeReading>;
  dataplane: ObservedDataPlane | null;
  /** Launches that the cloud refused since the last tick. */
  launchErrors: LaunchFailure[];
  /** Why the last routing could not be put in force; null or absent: it could, or none was sent. */
  routeError?: { code: ErrorCode; message: string } | null;
}

export interface ObservedVm {
  replicaId: string;
  state: "booting" | "running" | "ending" | "ended";
  address: { host: string; port: number } | null;
  zone: string;
  market: "onDemand" | "spot";
  /** Set when the VM ended by itself: how, and the last lines of its log. */
  exit: VmExit | null;
}

export interface VmExit {
  phase: "boot" | "setup" | "run";
  code: number | null;
  signal: string | null;
  /** True when the machine was taken away (spot loss, `kill -9` from outside), false when the program ended itself. */
  lost: boolean;
  lastLines: string[];
}

export interface ProbeReading {
  consecutiveSuccesses: number;
  consecutiveFailures: number;
  /** When the run of successes began; null while failing. */
  passingSince: number | null;
  /** Short: "connection refused", "404", "timed out after 2 s". */
  lastError: string | null;
}

export interface ObservedDataPlane {
  /** Generation in force. */
  generation: number;
  replicas: Record<string, { inFlight: number; queued: number; healthy: boolean }>;
}

export interface LaunchFailure {
  replicaId: string;
  code: ErrorCode;
  scope: ErrorScope;
  message: string;
}
