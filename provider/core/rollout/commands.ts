import type { Command, Verb } from "../command";
import type { Draft } from "../draft";
import type { Intent } from "../intent";
import type { RolloutProgress } from "../state";
import { RUNNING } from "./clock";
import { holds } from "./hold";
import { replan } from "./replan";
import { restoreKept } from "./restore";
import { goBack } from "./turn";

/** Obeys what the CLI has asked for since the last tick. What comes too late for its rollout does nothing, and says so. */
export function obeyCommands(draft: Draft, intent: Intent): void {
  const fresh = intent.commands.given.filter(({ seq }) => seq > draft.state.commandsSeen);
  // An abort beats whatever was given with it: a promote that wins by a moment cannot be taken back.
  const stops = fresh.filter(({ kind }) => kind === "abort" || kind === "rollback");
  const obeyed = stops.length > 0 ? [...fresh.filter(({ kind }) => kind === "retry"), stops.at(-1)!] : fresh;
  for (const command of obeyed) {
    draft.say({ kind: "commandObeyed", verb: command.kind, detail: obey(draft, intent, command) });
  }
  draft.state.commandsSeen = intent.commands.seq;
}

function obey(draft: Draft, intent: Intent, command: Command): string {
  switch (command.kind) {
    case "retry":
      return clearRejections(draft);
    case "abort":
      return draft.state.rollout === null ? NOTHING : abort(draft, command);
    case "rollback":
      return draft.state.rollout === null ? restoreKept(draft, intent, command) : abort(draft, command);
    case "pause":
    case "resume":
      return pauseOrResume(draft, command.kind);
    case "promote":
      return promote(draft, intent, command);
  }
}

const NOTHING = "no rollout was in progress";

function clearRejections(draft: Draft): string {
  const keys = Object.keys(draft.state.rejected);
  for (const targetKey of keys) draft.say({ kind: "rejectionCleared", targetKey });
  draft.state.rejected = {};
  return `${keys.length} rejected`;
}

function abort(draft: Draft, { kind, mode }: Extract<Verb, { kind: "abort" | "rollback" }>): string {
  const sentence = `an operator aborted the rollout (pulumi-serve rollout ${kind})`;
  return goBack(draft, { cause: "operator", sentence }, mode);
}

function pauseOrResume(draft: Draft, verb: "pause" | "resume"): string {
  const { rollout } = draft.state;
  if (rollout === null) return NOTHING;
  if ((rollout.paused === null) === (verb === "resume")) return `it was ${verb}d already`;
  draft.state.rollout = { ...rollout, paused: verb === "pause" ? { since: draft.now } : null };
  return `at step ${rollout.cursor}`;
}

/** Ends the present wait only: the next one waits again. A failing gate takes more than that. */
function promote(draft: Draft, intent: Intent, { force }: Extract<Verb, { kind: "promote" }>): string {
  const { rollout } = draft.state;
  if (rollout === null) return NOTHING;
  if (rollout.direction.kind === "back") {
    const awaits = rollout.direction.awaits !== undefined;
    return awaits && force ? goForward(draft, intent, rollout) : "it goes back already";
  }
  const failing = rollout.gate?.cursor === rollout.cursor && rollout.gate.verdict.kind === "failed";
  if (failing && !force) return "a gate fails: only with --force";
  const waved = force ? "everything" : "waits";
  draft.state.rollout = { ...rollout, paused: null, waved, failed: failing ? null : rollout.failed };
  const { strategy } = rollout;
  if (rollout.held !== null && holds(strategy)) {
    draft.state.rollout = { ...draft.state.rollout, strategy: { ...strategy, canaryPercent: null } };
    replan(draft, "an operator promoted it (pulumi-serve rollout promote)");
  }
  return force ? "force" : "waits";
}

/**
 * What it goes back to does not come up, and the canary is all that serves: whoever forces it on ends the way back. What
 * the program declares meanwhile has its turn afterwards, and its time begins anew, as most of it went into the wait.
 */
function goForward(draft: Draft, intent: Intent, rollout: RolloutProgress): string {
  draft.state.rollout = {
    ...rollout,
    direction: { kind: "forward" },
    declared: intent.rollout!.target,
    stopped: { ...RUNNING, totalMs: Math.max(0, draft.now - rollout.startedAt) },
    waved: "everything",
  };
  draft.say({ kind: "rollbackCancelled", rollout: rollout.id });
  replan(draft, "an operator promoted it, as what it went back to does not come up");
  return "force";
}
