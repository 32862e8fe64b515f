import type { RollbackMode } from "./strategy";

/** Verbs of the CLI as declared intent: given once, obeyed once, in order; within one tick an abort beats a promote. */
export interface Commands {
  /** Number of the newest one; only grows. */
  seq: number;
  /** The newest ones, oldest first: at most COMMANDS_KEPT. */
  given: Command[];
}

export const COMMANDS_KEPT = 20;

export type Command = { seq: number } & Verb;

export type Verb =
  /** The rollout in progress goes back; null: the way that its strategy says. */
  | { kind: "abort"; mode: RollbackMode | null }
  /** In progress: the same as abort. Else a rollout to a kept version (null: the one before). */
  | { kind: "rollback"; mode: RollbackMode | null; toVersion: number | null }
  /** What is under way is finished, then nothing moves on (A18). */
  | { kind: "pause" }
  | { kind: "resume" }
  /** Ends the present wait: a hold goes to 100, a bake or a gate without verdict is skipped; `force`: a failing gate too. */
  | { kind: "promote"; force: boolean }
  /** Rejected revisions may be tried again. */
  | { kind: "retry" };
