import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { ServeEvent } from "../../core/events";
import { selectService, withService } from "../services";
import type { Terminal } from "../terminal";

const FOLLOW_MS = 250;

export function addEventsCommand(program: Command, terminal: Terminal): void {
  withService(program.command("events"))
    .description("The service's event log: what was decided and what was seen.")
    .option("--json", "one JSON object a line")
    .option("-f, --follow", "wait for further events until interrupted")
    .action(async (options: { service?: string; json?: true; follow?: true }) => {
      const { store } = await selectService(options.service);
      let next = 0;
      do {
        const events = await store.readEvents(next);
        for (const event of events) terminal.out(`${options.json ? JSON.stringify(event) : eventLine(event)}\n`);
        next = (events.at(-1)?.seq ?? next - 1) + 1;
        if (options.follow) await sleep(FOLLOW_MS);
      } while (options.follow);
    });
}

/** Time, number, what, and the details as they are. */
export function eventLine({ seq, at, epoch: _, kind, ...details }: ServeEvent): string {
  const told = Object.entries(details).map(
    ([name, value]) => `${name}=${typeof value === "string" && !/[\s"]/.test(value) ? value : JSON.stringify(value)}`,
  );
  return [new Date(at).toISOString(), String(seq).padStart(5), kind, ...told].join(" ");
}
