import type { Command } from "commander";
import { listServices } from "../../store/file";
import { purgeService } from "../purge-service";
import type { Terminal } from "../terminal";

interface PurgeOptions {
  project: string;
  stack: string;
  yes?: true;
}

export function addPurgeCommand(program: Command, terminal: Terminal): void {
  program
    .command("purge")
    .description(
      "Removes every service of a stack, with all that it runs. For what a killed first `up` left and Pulumi forgot; " +
        "use `pulumi destroy` for the rest.",
    )
    .requiredOption("--project <name>", "the Pulumi project")
    .requiredOption("--stack <name>", "the stack")
    .option("--yes", "do it; without it only what would be removed is shown")
    .action((options: PurgeOptions) => purge(options, terminal));
}

async function purge({ project, stack, yes }: PurgeOptions, terminal: Terminal): Promise<void> {
  const services = (await listServices()).filter(({ identity }) => identity.startsWith(`${project}/${stack}/`));
  const say = (line: string) => terminal.out(`${line}\n`);
  if (services.length === 0) return say(`Nothing of ${project}/${stack} is on this computer.`);
  for (const service of services) {
    if (yes === undefined) {
      say(`${service.identity} in ${service.folder} would be removed with all that it runs: add --yes to do it.`);
      continue;
    }
    await purgeService(service, (line) => say(`${service.identity}: ${line}`));
    say(`${service.identity} is removed.`);
  }
}
