/**
 * How far a failure reaches. Only `zoneAndType` and `market` may ever lead to trying another place or market; an
 * `account` failure passes with time, a `fatal` one needs a person, and `input` never got as far as creating anything.
 */
export type ErrorScope = "input" | "zoneAndType" | "market" | "account" | "fatal" | "store" | "agent" | "dataplane";

/** Stable codes: scripts and tests switch on these, so a code is never renamed, only added. */
export type ErrorCode =
  | "InvalidInput"
  | "StoreMissing"
  | "StoreConflict"
  | "StoreCorrupt"
  | "StoreElsewhere"
  | "StoreUnwritable"
  | "StaleEpoch"
  | "LeaseHeld"
  | "AgentUnreachable"
  | "EndpointInUse"
  | "DataPlaneUnreachable"
  | "NoCapacity"
  | "QuotaExceeded"
  | "LaunchFailed"
  | "ReplicaFailed"
  | "Rejected"
  | "RolledBack"
  | "Superseded"
  | "Interrupted"
  | "TimedOut"
  /** A command or webhook that gates a rollout gave no verdict. */
  | "GateUnreachable"
  /** The rollout waits for capacity that the cloud does not give. */
  | "CapacityStarved"
  /** The canary failed and automatic rollback is off. */
  | "CanaryFailed"
  | "Unsupported";

export interface ServeErrorOptions {
  code: ErrorCode;
  scope: ErrorScope;
  /** True when the same call may succeed later without anybody changing anything. */
  retryable?: boolean;
  /** `reasons[0]` is a sentence that a person can act on: what, which field or VM, what to do. */
  reasons: [string, ...string[]];
  cause?: unknown;
}

/** The one error of this package. Everything thrown on purpose is one of these. */
export class ServeError extends Error {
  readonly code: ErrorCode;
  readonly scope: ErrorScope;
  readonly retryable: boolean;
  readonly reasons: readonly [string, ...string[]];

  constructor(options: ServeErrorOptions) {
    super(options.reasons[0], options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ServeError";
    this.code = options.code;
    this.scope = options.scope;
    this.retryable = options.retryable ?? false;
    this.reasons = options.reasons;
  }
}

/** The sentence of any thrown value, for places that must report and go on. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ServeError) return error.reasons[0];
  return error instanceof Error ? error.message : String(error);
}
