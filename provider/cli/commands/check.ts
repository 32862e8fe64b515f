import type { Command } from "commander";
import { checkEvents, type CheckReport } from "../../core/check/check";
import type { RolloutReport } from "../../core/check/rollouts";
import { selectService } from "../services";
import type { Terminal } from "../terminal";
import { table } from "../view/table";

export function addCheckCommand(program: Command, terminal: Terminal): void {
  program
    .command("check")
    .description("Replays the event log and proves the invariants, or shows where one first broke (exit code 1).")
    .argument("[service]", "name or identity; default: the only one there is")
    .option("--service <name>", "the same, as an option")
    .option("--json", "print the report, for scripts")
    .action(async (argument: string | undefined, options: { service?: string; json?: true }) => {
      const { store } = await selectService(argument ?? options.service);
      const report = checkEvents(await store.readEvents(0));
      terminal.out(`${options.json ? JSON.stringify(report, null, 2) : reportText(store.identity, report)}\n`);
      if (!report.holds) terminal.exitCode = 1;
    });
}

function reportText(identity: string, { events, rollouts, atEnd, verdicts, holds }: CheckReport): string {
  const rows = verdicts.map(({ invariant, violation }) => [
    invariant,
    violation === null ? "holds" : `BROKEN at event ${violation.seq}: ${violation.sentence}`,
  ]);
  const left = atEnd.orphans.length === 0 ? "" : `, orphans being ended: ${atEnd.orphans.join(", ")}`;
  return [
    `${identity}: ${events} events, ${rollouts.length} rollouts, ${atEnd.replicas.length} replicas at the end${left}.`,
    ...(rollouts.length === 0 ? [] : [rolloutTable(rollouts)]),
    table(["INVARIANT", "VERDICT"], rows),
    holds ? "Every invariant holds." : "An invariant broke.",
  ].join("\n");
}

function rolloutTable(rollouts: readonly RolloutReport[]): string {
  const rows = rollouts.map(({ id, strategy, outcome, seconds, peak, violation }) => [
    String(id),
    strategy,
    outcome,
    String(seconds),
    Object.entries(peak)
      .map(([pool, { vms, cap }]) => `${pool} ${vms} of ${cap}`)
      .join(", "),
    violation === null ? "proved" : `${violation.invariant} BROKEN at event ${violation.seq}`,
  ]);
  return table(["ROLLOUT", "STRATEGY", "OUTCOME", "SECONDS", "PEAK VMS", "VERDICT"], rows);
}
