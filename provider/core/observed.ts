import type { Price } from "./cost/price";
import type { ErrorCode, ErrorScope } from "./errors";

/** One look at the world, taken at the start of a tick. Null means "could not look", never "nothing there". */
export interface Observed {
  /** Every VM that carries the service's tag, ended ones left out after a while; null: the listing failed. */
  vms: ObservedVm[] | null;
  /** Probe readings by replica id; absent: not probed yet. */
  probes: Record<string, ProbeReading>;
  dataplane: ObservedDataPlane | null;
  /** The cloud's word about VMs that it will take; null or absent: could not look. What was told once stays true. */
  notices?: Notice[] | null;
  /** Launches that the cloud refused since the last tick. */
  launchErrors: LaunchFailure[];
  /** Answers of replicas to a userConfig, by replica id, since the last persisted tick. */
  reconfigured: Record<string, ConfigAnswer>;
  /** Verdicts of commands and webhooks by the key that they were asked under; kept while the agent lives. */
  gateAnswers: Record<string, GateAnswer>;
  /** Why the last routing could not be put in force; null or absent: it could, or none was sent. */
  routeError?: { code: ErrorCode; message: string } | null;
  /** What VMs cost now; null or absent: not known. */
  prices?: Price[] | null;
}

export interface ObservedVm {
  replicaId: string;
  state: "booting" | "running" | "ending" | "ended";
  address: { host: string; port: number } | null;
  zone: string;
  market: "onDemand" | "spot";
  /** Set when the VM ended by itself: how, and the last lines of its log. */
  exit: VmExit | null;
  /** Restarts of the program on this VM that have taken effect; what is told of it belongs to this one. */
  restarts: number;
}

export interface Notice {
  replicaId: string;
  /** When the VM will be taken. Null: it may be, sooner than others, or never (a rebalance recommendation). */
  at: number | null;
}

export interface ConfigAnswer {
  /** Of the userConfig that was sent. */
  hash: string;
  outcome: "acknowledged" | "refused";
  /** Of a refusal: "422: temperature must be a number". */
  reason: string | null;
}

export interface GateAnswer {
  outcome: "passed" | "failed" | "unreachable";
  reason: string;
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
  /** Per pool and revision, counted up since the engine started; a fall means that it started anew. */
  versions: Record<string, Record<string, VersionMetrics>>;
  /** Per pool of the routing; absent: an engine that does not count this. */
  pools?: Record<string, PoolLoad>;
}

export interface PoolLoad {
  /** Requests that came, counted before anything is done with them, up since the engine started. */
  arrivals: number;
  inFlight: number;
  /** Waiting for a replica. */
  queued: number;
}

export interface LaunchFailure {
  replicaId: string;
  code: ErrorCode;
  scope: ErrorScope;
  message: string;
}

export interface VersionMetrics {
  /** Answered or failed, counted at the end of each. */
  requests: number;
  /** Of these: 5xx, broken off, or nothing came from any replica. Not those that the client gave up. */
  errors: number;
  /**
   * Tries of requests that broke before their first byte and were made good by another replica, so that no client saw
   * them; only of replicas that were seen alive afterwards, as a lost VM is not its version's fault. Absent: none.
   */
  failedTries?: number;
  /** Counts per bucket of VERSION_BOUNDS_MS, the last one is "above"; from the arrival of the request to its end. */
  latency: number[];
  /** From the arrival of the request, counted when the byte comes: a stream has one long before it ends. */
  timeToFirstByte: number[];
}

/** Upper bounds in milliseconds, 25 % apart: fine enough to compare two percentiles. */
export const VERSION_BOUNDS_MS: readonly number[] = Array.from({ length: 56 }, (_, index) =>
  Number((1.25 ** index).toFixed(2)),
);
