import type { Command } from "commander";
import { listServices } from "../../store/file";
import { purgeService } from "../purge-service";

interface PurgeOptions {
  project: string;
  stack: string;
  yes?: true;
}

export function addPurgeCommand(program: Command): void {
  program
    .command("purge")
    .description(
      "Removes every service of a stack, with all that it runs. For what a killed first `up` left and Pulumi forgot; " +
        "use `pulumi destroy` for the rest.",
    )
    .requiredOption("--project <name>", "the Pulumi project")
    .requiredOption("--stack <name>", "the stack")
    .option("--yes", "do it; without it only what would be removed is shown")
    .action(purge);
}

async function purge({ project, stack, yes }: PurgeOptions): Promise<void> {
  const services = (await listServices()).filter(({ identity }) => identity.startsWith(`${project}/${stack}/`));
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
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
