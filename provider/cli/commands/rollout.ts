import { Option, type Command } from "commander";
import { carryOut } from "../verbs/carry-out";
import { abortOrder, rollbackOrder } from "../verbs/going-back";
import type { Order } from "../verbs/order";
import { MODES, type ModeOptions } from "../verbs/rollback-mode";
import { pauseOrder, promoteOrder, resumeOrder, retryOrder } from "../verbs/steering";
import { withService } from "../services";
import type { Terminal } from "../terminal";
import { wholeNumber } from "../whole-number";
import { addRolloutStatusCommand } from "./rollout-status";

interface Named {
  service?: string;
}

/** Every verb is said once, however often it is asked, and outlives the CLI that said it. */
export function addRolloutCommands(program: Command, terminal: Terminal): void {
  const rollout = program
    .command("rollout")
    .description(
      "Looks at and steers the rollout in progress. Exit code of every verb: 0: said, or so already; 1: refused.",
    );
  const verb = <O extends Named>(command: Command, order: (options: O) => Order): void => {
    withService(command).action((options: O) => carryOut(order(options), options.service, terminal));
  };
  addRolloutStatusCommand(rollout, terminal);
  verb<Named & ModeOptions & { toVersion?: number }>(
    withMode(rollout.command("rollback"))
      .description("Sends the rollout in progress back; without one, brings back a version that served before.")
      .option("--to-version <n>", "a version that `status` lists as kept; default: the one before", wholeNumber()),
    rollbackOrder,
  );
  verb<Named & ModeOptions>(
    withMode(rollout.command("abort")).description(
      "Sends the rollout in progress back; its revision is rejected until it changes or is retried.",
    ),
    abortOrder,
  );
  verb(
    rollout.command("pause").description("Finishes what is under way, then moves nothing on until resumed."),
    () => pauseOrder,
  );
  verb(rollout.command("resume").description("Lets a paused rollout go on."), () => resumeOrder);
  verb<Named & { force?: true }>(
    rollout
      .command("promote")
      .description("Ends the present wait: a hold goes on to 100 %, a pause, a bake or an undecided gate is passed.")
      .option("--force", "also while a gate fails, or while what it goes back to does not come up; it is recorded"),
    ({ force }) => promoteOrder(force === true),
  );
  verb(rollout.command("retry").description("Lets rejected revisions be tried again."), () => retryOrder);
}

function withMode(command: Command): Command {
  return command
    .addOption(new Option("--mode <mode>", "default: what the Rollout's strategy says").choices(MODES))
    .option("--max-surge-percent <percent>", "replicas above the steady state of a gradual rollback", wholeNumber())
    .option("--yes", "do it although an immediate rollback overloads replicas");
}
