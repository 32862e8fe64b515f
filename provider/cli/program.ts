import { Command } from "commander";
import { packageVersion } from "../agent/program";
import { addAgentCommands } from "./commands/agent";
import { addCheckCommand } from "./commands/check";
import { addEventsCommand } from "./commands/events";
import { addLocalCommands } from "./commands/local";
import { addLogsCommand } from "./commands/logs";
import { addPlanCommand } from "./commands/plan";
import { addPurgeCommand } from "./commands/purge";
import { addRolloutCommands } from "./commands/rollout";
import { addStatusCommand } from "./commands/status";

/** The whole command line. Errors of usage are thrown as CommanderError, so that `main` alone decides how to exit. */
export function buildProgram(): Command {
  const program = new Command("pulumi-serve")
    .description("Looks at and steers the services that Pulumi programs declared with pulumi-serve.")
    .version(packageVersion())
    .showHelpAfterError()
    .exitOverride();
  addStatusCommand(program);
  addPlanCommand(program);
  addRolloutCommands(program);
  addLogsCommand(program);
  addEventsCommand(program);
  addCheckCommand(program);
  addLocalCommands(program);
  addAgentCommands(program);
  addPurgeCommand(program);
  return program;
}
