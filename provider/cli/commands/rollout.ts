import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { ensureAgent } from "../../agent/start";
import { ServeError } from "../../core/errors";
import { rolloutProgress, type Progress } from "../../core/follow";
import type { Verb } from "../../core/command";
import { giveCommand } from "../../core/declare";
import type { Intent } from "../../core/intent";
import type { State } from "../../core/state";
import type { Store } from "../../ports/store";
import { selectService, withService } from "../services";
import type { Terminal } from "../terminal";

const FOLLOW_MS = 100;
const WRITE_TRIES = 20;
/** Exit code of a rollout that is neither over nor failed. */
const STILL_WORKING = 3;

interface StatusOptions {
  service?: string;
  wait?: true;
  json?: true;
}

interface Order {
  verb: Verb;
  /** Null: there is something to do. Else: why not. */
  pointless: (intent: Intent, state: State | null) => string | null;
  done: string;
}

const ABORT: Order = {
  verb: { kind: "abort", mode: null },
  pointless: (_, state) => {
    const direction = state?.rollout?.direction.kind ?? null;
    if (direction === null) return "No rollout is in progress: nothing to abort.";
    return direction === "back" ? "The rollout is going back already." : null;
  },
  done: "The rollout goes back; `pulumi-serve rollout status --wait` follows it.",
};

const RETRY: Order = {
  verb: { kind: "retry" },
  pointless: (_, state) =>
    Object.keys(state?.rejected ?? {}).length === 0 ? "No revision is rejected: nothing to retry." : null,
  done: "Rejected revisions may be tried again; a declared one starts now. `pulumi up` follows it.",
};

export function addRolloutCommands(program: Command, terminal: Terminal): void {
  const rollout = program.command("rollout").description("Looks at and steers the rollout in progress.");
  withService(rollout.command("status"))
    .description(`Exit code 0: over and serving; 1: failed; ${STILL_WORKING}: in progress (never with --wait).`)
    .option("--wait", "follow until it is over")
    .option("--json", "print { kind, line | reasons }")
    .action((options: StatusOptions) => status(options, terminal));
  withService(rollout.command("abort"))
    .description("Sends the rollout in progress back; its revision is rejected until it changes or is retried.")
    .action((options: { service?: string }) => say(ABORT, options.service, terminal));
  withService(rollout.command("retry"))
    .description("Lets rejected revisions be tried again.")
    .action((options: { service?: string }) => say(RETRY, options.service, terminal));
}

async function status(options: StatusOptions, terminal: Terminal): Promise<void> {
  const { store } = await selectService(options.service);
  let shown: string | null = null;
  for (;;) {
    const progress = await progressOf(store);
    const text = options.json ? JSON.stringify(progress) : lineOf(progress);
    if (text !== shown) terminal.out(`${text}\n`);
    shown = text;
    terminal.exitCode = exitCodeOf(progress);
    if (!options.wait || progress.kind !== "working") return;
    await sleep(FOLLOW_MS);
  }
}

async function progressOf(store: Store): Promise<Progress> {
  const [{ value: intent }, state] = await Promise.all([store.readIntent(), store.readState()]);
  if (intent.rollout === null) return { kind: "done", line: "no Rollout is declared for this service" };
  return rolloutProgress(intent, state?.value ?? null, intent.rollout.target);
}

function lineOf(progress: Progress): string {
  return progress.kind === "failed" ? progress.reasons.join("\n") : progress.line;
}

function exitCodeOf({ kind }: Progress): number {
  switch (kind) {
    case "done":
      return 0;
    case "failed":
      return 1;
    case "working":
      return STILL_WORKING;
  }
}

/** Written as intent; a second call while the first is being carried out changes nothing. */
async function say({ verb, pointless, done }: Order, service: string | undefined, terminal: Terminal): Promise<void> {
  const { store, folder } = await selectService(service);
  for (let attempt = 1; ; attempt += 1) {
    const [{ version, value: intent }, state] = await Promise.all([store.readIntent(), store.readState()]);
    const reason = pointless(intent, state?.value ?? null);
    const seen = state?.value.commandsSeen ?? 0;
    const pending = intent.commands.given.some((command) => command.seq > seen && command.kind === verb.kind);
    if (reason !== null || pending) {
      terminal.out(`${reason ?? "That has been asked for already."}\n`);
      break;
    }
    try {
      await store.writeIntent(version, giveCommand(intent, verb));
      terminal.out(`${done}\n`);
      break;
    } catch (error) {
      const conflict = error instanceof ServeError && error.code === "StoreConflict";
      if (!conflict || attempt === WRITE_TRIES) throw error;
    }
  }
  await ensureAgent(store, folder);
}
