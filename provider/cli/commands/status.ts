import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { systemClock } from "../../host/clock";
import { lookAt } from "../look";
import { listServices } from "../../store/file";
import { selectService } from "../services";
import type { Terminal } from "../terminal";
import { statusText } from "../view/status";

const WATCH_MS = 500;
const CLEAR = "\u001b[2J\u001b[H";

export function addStatusCommand(program: Command, terminal: Terminal): void {
  program
    .command("status")
    .description("Services, their replicas, and the rollout's step.")
    .argument("[service]", "name or identity; default: every service")
    .option("--service <name>", "the same, as an option")
    .option("--json", "print everything that is known, for scripts")
    .option("--watch", "print again whenever something changed, until interrupted")
    .action(async (argument: string | undefined, options: { service?: string; json?: true; watch?: true }) => {
      const wanted = argument ?? options.service;
      let shown: string | null = null;
      do {
        const text = await statusNow(wanted, options.json === true ? "json" : "tables");
        if (text !== shown) terminal.out(`${options.watch && terminal.interactive ? CLEAR : ""}${text}\n`);
        shown = text;
        if (options.watch) await sleep(WATCH_MS);
      } while (options.watch);
    });
}

async function statusNow(wanted: string | undefined, format: "json" | "tables"): Promise<string> {
  const services = wanted === undefined ? await listServices() : [await selectService(wanted)];
  const looks = await Promise.all(services.map((service) => lookAt(service, systemClock.now())));
  const views = looks.flatMap((look) => (look.kind === "seen" ? [look.view] : []));
  const broken = looks.flatMap((look) => (look.kind === "broken" ? [look] : []));
  if (format === "json") return JSON.stringify({ services: views, broken }, null, 2);
  if (looks.length === 0) return "No service runs on this computer for this user: `pulumi up` starts one.";
  return [statusText(views), ...broken.map(({ identity, reason }) => `${identity}: ${reason}`)].join("\n");
}
