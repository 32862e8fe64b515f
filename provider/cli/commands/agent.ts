import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { packageVersion } from "../../agent/program";
import { agentLog, ensureAgent } from "../../agent/start";
import { ServeError } from "../../core/errors";
import { systemClock } from "../../host/clock";
import type { Lease } from "../../ports/store";
import { selectService, withService } from "../services";
import type { Terminal } from "../terminal";
import { ago } from "../view/duration";

const START_TAKES_MS = 10_000;
const LOOK_EVERY_MS = 50;

export function addAgentCommands(program: Command, terminal: Terminal): void {
  const agent = program.command("agent").description("The process that looks after a service.");
  withService(agent.command("start"))
    .description("Starts the agent, or replaces one of another package version; returns when it acts.")
    .action(async (options: { service?: string }) => {
      const { store, folder } = await selectService(options.service);
      await ensureAgent(store, folder);
      const lease = await untilActs(() => store.readLease());
      if (lease === null) throw unreachable(store.identity, folder);
      terminal.out(`${agentLine(lease)}\n`);
    });
  withService(agent.command("status"))
    .description("Exit code 0: an agent acts; 1: none does.")
    .option("--json", "print the lease, for scripts")
    .action(async (options: { service?: string; json?: true }) => {
      const lease = await (await selectService(options.service)).store.readLease();
      terminal.out(`${options.json ? JSON.stringify(lease) : agentLine(lease)}\n`);
      if (lease === null || lease.dead) terminal.exitCode = 1;
    });
}

/** Waits for an agent of this package's version; null: it did not come. */
async function untilActs(read: () => Promise<Lease | null>): Promise<Lease | null> {
  const deadline = systemClock.now() + START_TAKES_MS;
  while (systemClock.now() < deadline) {
    const lease = await read();
    if (lease !== null && !lease.dead && lease.holder.packageVersion === packageVersion()) return lease;
    await sleep(LOOK_EVERY_MS);
  }
  return null;
}

function agentLine(lease: Lease | null): string {
  if (lease === null) return "No agent acts for the service.";
  const { epoch, holder, heartbeatAt, dead } = lease;
  const heartbeat = ago((systemClock.now() - heartbeatAt) / 1000);
  const state = dead ? "is dead" : "is alive";
  return `The agent ${state}: process ${holder.pid}, version ${holder.packageVersion}, epoch ${epoch}, heartbeat ${heartbeat}.`;
}

function unreachable(identity: string, folder: string): ServeError {
  return new ServeError({
    code: "AgentUnreachable",
    scope: "agent",
    reasons: [`The agent of ${identity} was started and does not act: see ${agentLog(folder)}.`],
  });
}
