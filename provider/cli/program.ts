import { Command } from "commander";
import { packageVersion } from "../agent/program";
import { addAgentCommands } from "./commands/agent";
import { addCheckCommand } from "./commands/check";
import { addCostCommand } from "./commands/cost";
import { addEventsCommand } from "./commands/events";
import { addLocalCommands } from "./commands/local";
import { addLogsCommand } from "./commands/logs";
import { addPlanCommand } from "./commands/plan";
import { addPurgeCommand } from "./commands/purge";
import { addRolloutCommands } from "./commands/rollout";
import { addSimulateCommand } from "./commands/simulate";
import { addStatusCommand } from "./commands/status";
import type { Terminal } from "./terminal";

/** The whole command line. Errors of usage are thrown as CommanderError, so that `main` alone decides how to exit. */
export function buildProgram(terminal: Terminal): Command {
  const program = new Command("pulumi-serve")
    .description("Looks at and steers the services that Pulumi programs declared with pulumi-serve.")
    .version(packageVersion())
    .showHelpAfterError()
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) });
  addStatusCommand(program, terminal);
  addPlanCommand(program, terminal);
  addCostCommand(program, terminal);
  addRolloutCommands(program, terminal);
  addLogsCommand(program, terminal);
  addEventsCommand(program, terminal);
  addCheckCommand(program, terminal);
  addLocalCommands(program, terminal);
  addAgentCommands(program, terminal);
  addSimulateCommand(program, terminal);
  addPurgeCommand(program, terminal);
  return program;
}
