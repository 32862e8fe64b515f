import type { ErrorCode } from "./errors";
import type { Intent, RolloutTarget } from "./intent";
import type { State } from "./state";

/** What a waiting handler or CLI learns from one look at intent and state. */
export type Progress =
  | { kind: "working"; line: string }
  | { kind: "done"; line: string }
  | { kind: "failed"; code: ErrorCode; reasons: [string, ...string[]] };

/** Whether the pool has what its declaration promises: see DESIGN 1, "who does what". */
export declare function poolProgress(intent: Intent, state: State | null, pool: string): Progress;
/** Whether a deleted pool is gone. */
export declare function poolRemovalProgress(intent: Intent, state: State | null, pool: string): Progress;
/** Whether the service serves `target`, and if it never will by itself, why. */
export declare function rolloutProgress(intent: Intent, state: State | null, target: RolloutTarget): Progress;
