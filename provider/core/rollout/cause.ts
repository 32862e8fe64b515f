/** Why a rollout turned back. All but `superseded` reject the target: it is not tried again by itself. */
export type RollbackCause = "canaryFailed" | "gateFailed" | "timedOut" | "operator" | "superseded";
