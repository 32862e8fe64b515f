import { readdirSync, readFileSync } from "node:fs";
import { isAlive, startTimeOf } from "../../../provider/host/process-identity";
import { eventually } from "./eventually";

/** A process as the operating system knows it, found without asking anything that is under test. */
export interface FoundProcess {
  pid: number;
  startTime: string;
  command: string;
  env: Record<string, string>;
}

/** Every living process whose command line or environment names this folder, this process and its ancestors left out. */
export function processesOf(folder: string): FoundProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => found(Number(name)))
    .filter(
      ({ command, env }) => command.includes(folder) || Object.values(env).some((value) => value.includes(folder)),
    );
}

/** Ends exactly these, by force, and waits until they are gone. */
export async function endProcesses(processes: readonly FoundProcess[]): Promise<void> {
  for (const process_ of processes) kill(process_, "SIGKILL");
  await eventually("the processes ended", () => processes.every((process_) => !isAlive(process_)));
}

/** Signals this very process, never a later one that got its number. */
export function kill(process_: FoundProcess, signal: NodeJS.Signals): void {
  if (!isAlive(process_)) return;
  try {
    process.kill(process_.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function found(pid: number): FoundProcess[] {
  const startTime = startTimeOf(pid);
  if (startTime === null) return [];
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
    const pairs = readFileSync(`/proc/${pid}/environ`, "utf8")
      .split("\0")
      .filter((pair) => pair.includes("="));
    const env = Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    );
    return [{ pid, startTime, command, env }];
  } catch {
    // It ended between the two looks, or belongs to somebody else.
    return [];
  }
}
