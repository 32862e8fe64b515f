import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { AgentKeeper } from "../../agent/keeper";
import { reviveAgent } from "../../agent/start";
import { rolloutProgress, type Progress } from "../../core/follow";
import { systemClock } from "../../host/clock";
import type { Store } from "../../ports/store";
import { selectService, withService } from "../services";
import type { Terminal } from "../terminal";
import { situationOf } from "../verbs/order";

const FOLLOW_MS = 100;
/** Exit code of a rollout that is neither over nor failed. */
const STILL_WORKING = 3;

interface StatusOptions {
  service?: string;
  wait?: true;
  json?: true;
}

export function addRolloutStatusCommand(rollout: Command, terminal: Terminal): void {
  withService(rollout.command("status"))
    .description(
      `Exit code 0: over and serving, or at a declared hold; 1: failed; ${STILL_WORKING}: in progress (never with --wait).`,
    )
    .option("--wait", "follow until it is over or holds; starts the agent if none lives")
    .option("--json", "print { kind, line | reasons }")
    .action((options: StatusOptions) => status(options, terminal));
}

async function status(options: StatusOptions, terminal: Terminal): Promise<void> {
  const { store, folder } = await selectService(options.service);
  const agent = new AgentKeeper(store, systemClock, async () => {
    const found = await reviveAgent(store, folder);
    if (found === "started") terminal.err("No agent looked after the service: one was started.\n");
    return found;
  });
  let shown: string | null = null;
  for (;;) {
    const progress = await progressOf(store);
    const text = options.json ? JSON.stringify(progress) : lineOf(progress);
    if (text !== shown) terminal.out(`${text}\n`);
    shown = text;
    terminal.exitCode = exitCodeOf(progress);
    if (!options.wait || progress.kind !== "working") return;
    // Nobody else would carry on what is waited for, or say that nobody does.
    await agent.keep();
    await sleep(FOLLOW_MS);
  }
}

async function progressOf(store: Store): Promise<Progress> {
  const [{ value: intent }, state] = await Promise.all([store.readIntent(), store.readState()]);
  if (intent.rollout === null) return { kind: "done", line: "no Rollout is declared for this service" };
  // After `retry` or `promote` the rejection or the hold of before is no answer.
  if (state !== null && situationOf(intent, state.value).pending.length > 0) {
    return { kind: "working", line: "waiting for the agent to obey" };
  }
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
