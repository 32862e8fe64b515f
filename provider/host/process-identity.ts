import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** A pid alone may be another process's tomorrow; with its start time it names one process for as long as the computer runs. */
export interface ProcessIdentity {
  pid: number;
  startTime: string;
}

interface ProcessStat {
  state: string;
  parent: number;
  group: number;
  startTime: string;
}

const PROC = existsSync("/proc/self/stat");

/** Start times in /proc count from boot, so after a reboot they could repeat: the boot's own id is part of ours. */
const BOOT = PROC ? bootId() : "";

/** Null: no such process, or only its zombie, which runs nothing any more. */
export function startTimeOf(pid: number): string | null {
  const stat = statOf(pid);
  return stat === null || stat.state === "Z" || stat.state === "X" ? null : stat.startTime;
}

/** True while exactly this process runs. Zombies count as dead. */
export function isAlive(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startTime;
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? "unknown" };
}

/** Facts of a process, or null when there is none. */
export function statOf(pid: number): ProcessStat | null {
  if (!Number.isInteger(pid) || pid <= 0) return null;
  return PROC ? statFromProc(pid) : statFromPs(pid);
}

/** The command name may hold spaces and brackets, so fields are counted from its last bracket: state is field 3, start 22. */
function statFromProc(pid: number): ProcessStat | null {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [state, parent, group, startTime] = [fields[0], fields[1], fields[2], fields[19]];
  if (state === undefined || startTime === undefined) return null;
  return { state, parent: Number(parent), group: Number(group), startTime: `${startTime}${BOOT}` };
}

function bootId(): string {
  try {
    return `@${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8)}`;
  } catch {
    return "";
  }
}

function statFromPs(pid: number): ProcessStat | null {
  try {
    const line = execFileSync("ps", ["-o", "stat=,ppid=,pgid=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { PATH: process.env.PATH ?? "", LC_ALL: "C" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [state, parent, group, ...start] = line.trim().split(/\s+/);
    if (state === undefined || start.length === 0) return null;
    return { state: state[0]!, parent: Number(parent), group: Number(group), startTime: start.join(" ") };
  } catch {
    return null;
  }
}
