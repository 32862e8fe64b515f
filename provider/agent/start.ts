import { join } from "node:path";
import { spawnDetached } from "../host/child";
import type { Store } from "../ports/store";
import { ownProgram, packageVersion, type Program } from "./program";
import { writeWantedAgent } from "./wanted";

/** The agent of this package, for one service. */
export function agentProgram(serviceFolder: string): Program {
  const { command, args } = ownProgram(join(__dirname, "main"));
  return { command, args: [...args, serviceFolder] };
}

/** Starts a process that becomes the agent, or ends quietly when there is one. Returns its pid. */
export function startAgent(serviceFolder: string, program: Program = agentProgram(serviceFolder)): number {
  return spawnDetached({ ...program, logFile: agentLog(serviceFolder) });
}

/** Starts an agent when none lives; one of another version is left alone, as whoever only looks on must do. */
export async function reviveAgent(store: Store, serviceFolder: string): Promise<"alive" | "started"> {
  const lease = await store.readLease();
  if (lease !== null && !lease.dead) return "alive";
  startAgent(serviceFolder);
  return "started";
}

/** Sees to it that an agent of this package's version looks after the service; free when one does. */
export async function ensureAgent(store: Store, serviceFolder: string): Promise<"alive" | "started" | "replacing"> {
  const lease = await store.readLease();
  if (lease === null || lease.dead) {
    startAgent(serviceFolder);
    return "started";
  }
  if (lease.holder.packageVersion === packageVersion()) return "alive";
  await writeWantedAgent(serviceFolder, { packageVersion: packageVersion(), ...agentProgram(serviceFolder) });
  return "replacing";
}

export function agentLog(serviceFolder: string): string {
  return join(serviceFolder, "agent.log");
}
