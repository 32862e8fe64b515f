import type { Command, Verb } from "../../core/command";
import type { Intent } from "../../core/intent";
import type { State } from "../../core/state";

/** What a verb is judged by: one look at the store. */
export interface Situation {
  intent: Intent;
  state: State;
  /** Commands that no agent has obeyed yet, oldest first: what they will do counts as done. */
  pending: Command[];
}

/** What comes of a verb. Only `give` writes anything. */
export type Decision =
  | { kind: "give"; verb: Verb; told: string[] }
  /** It is so already, or has been asked for: success. */
  | { kind: "needless"; line: string }
  | { kind: "refused"; sentence: string };

/** Pure, so that it can be judged again on what another writer made of the intent meanwhile. */
export type Order = (situation: Situation) => Decision;

export function situationOf(intent: Intent, state: State): Situation {
  return { intent, state, pending: intent.commands.given.filter(({ seq }) => seq > state.commandsSeen) };
}

/** Whether an agent that reads what is pending will send the rollout in progress back. */
export function goesBack({ state, pending }: Situation): boolean {
  const turns = pending.some(({ kind }) => kind === "abort" || kind === "rollback");
  return state.rollout !== null && (state.rollout.direction.kind === "back" || turns);
}

export const FOLLOW = "`pulumi-serve rollout status --wait` follows it.";
export const ASKED_ALREADY: Decision = { kind: "needless", line: "That has been asked for already." };

export function give(verb: Verb, ...told: string[]): Decision {
  return { kind: "give", verb, told };
}

export function needless(line: string): Decision {
  return { kind: "needless", line };
}

export function refused(sentence: string): Decision {
  return { kind: "refused", sentence };
}
