import type { Command } from "commander";
import { systemClock } from "../../host/clock";
import { selectService } from "../services";
import type { Terminal } from "../terminal";
import { costText, costView } from "../view/cost";

export function addCostCommand(program: Command, terminal: Terminal): void {
  program
    .command("cost")
    .description("What a service costs now and has cost: spot, on-demand, fallback, and what all on-demand would have.")
    .argument("[service]", "name or identity; default: the only one there is")
    .option("--service <name>", "the same, as an option")
    .option("--json", "print everything that is known, for scripts")
    .action(async (argument: string | undefined, options: { service?: string; json?: true }) => {
      const { store, identity } = await selectService(argument ?? options.service);
      const ledger = (await store.readState())?.value.ledger;
      const view = ledger === undefined ? null : costView(ledger, systemClock.now());
      if (options.json) terminal.out(`${JSON.stringify({ service: identity, cost: view }, null, 2)}\n`);
      else if (view === null)
        terminal.out(`Nothing is known of what ${identity} costs: its target has told no prices yet.\n`);
      else terminal.out(`${identity}\n${costText(view)}\n`);
    });
}
